from __future__ import annotations

import re
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from datagen_core.config import UUID_PATTERN
from datagen_core.environment.seeds import derive_id


@given(st.lists(st.integers() | st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=4))
def test_a_derived_id_is_a_lower_case_uuid_of_version_four(keys: list[int | str]) -> None:
    derived = derive_id(*keys)
    assert re.fullmatch(UUID_PATTERN, derived)
    assert str(UUID(derived)) == derived
    assert UUID(derived).version == 4
    assert derived == derive_id(*keys)


def test_derived_ids_stay_what_they_were() -> None:
    assert derive_id(42, "restaurant", "한식", 0) == "e43b2e45-8299-4ac3-b786-15062454914b"
