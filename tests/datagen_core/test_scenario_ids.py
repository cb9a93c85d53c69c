"""Ids of scenarios: substitutes name the dialogue they stand in for, and fit into what a provider takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datagen_core.batch.requests import read_custom_id, render_custom_id
from datagen_core.mixing import Sampling
from datagen_core.scenario_ids import parse_scenario_id, read_seed, render_substitute, split_substitute

IDS = st.from_regex(
    r"(training|gold)-(0|[1-9][0-9]{0,9})-([0-9]{6}|[1-9][0-9]{6,8})(-x[0-9a-f]{8})?(-t)?", fullmatch=True
)
NUMBERS = st.integers(1, 10**9 - 1)


@given(base=IDS, number=NUMBERS, round_number=NUMBERS)
def test_a_substitute_s_id_reads_back_and_fits_into_a_custom_id(base: str, number: int, round_number: int) -> None:
    substitute = render_substitute(base, number)
    assert split_substitute(substitute) == (base, number)
    assert render_substitute(substitute, number) == substitute
    assert read_seed(substitute) == read_seed(base) is not None
    parsed, told = parse_scenario_id(base), parse_scenario_id(substitute)
    assert parsed is not None
    assert told == parsed._replace(substitute=number)
    custom_id = render_custom_id(substitute, round_number)
    assert len(custom_id) <= 64
    assert read_custom_id(custom_id) == (substitute, round_number)


def test_an_id_tells_how_it_was_sampled() -> None:
    suffix = Sampling(parallel_calls=True).suffix
    parsed = parse_scenario_id(f"training-42-000017{suffix}-t-s3")
    assert parsed is not None
    assert (parsed.profile, parsed.seed, parsed.place, parsed.substitute) == ("training", 42, 17, 3)
    assert (parsed.is_default_sampling, parsed.is_transcript) == (False, True)


@pytest.mark.parametrize("scenario_id", ["training-42-000017-s0", "training-42-000017-s01", "training-42-000017-s", ""])
def test_what_counts_no_substitute_is_none(scenario_id: str) -> None:
    assert split_substitute(scenario_id) == (scenario_id, 0)
    assert parse_scenario_id(scenario_id) is None


@pytest.mark.parametrize("number", [0, -1, 10**9])
def test_substitutes_are_counted_from_one(number: int) -> None:
    with pytest.raises(ValueError, match="from 1"):
        render_substitute("training-42-000017", number)
