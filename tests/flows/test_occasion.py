"""A scheduled run's seed and folder follow from its time, a retry's stay the same, and a person's are as told."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from datagen_core.errors import ConfigError
from flows.occasion import Occasion, fill_output_dir

NIGHT = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
"""02:00 of the 23rd in Seoul."""


def occasion(moment: datetime = NIGHT, *, is_deployed: bool = True) -> Occasion:
    return Occasion(scheduled_at=moment, is_deployed=is_deployed)


def fill(template: str, *, zone: str = "Asia/Seoul") -> str:
    return fill_output_dir(template, occasion(), flow="training", count=400, seed=7, zone=zone)


def test_a_night_has_its_seed_and_another_night_another() -> None:
    later = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
    assert occasion().choose_seed(None) == occasion().choose_seed(None) == 29_922_780
    assert occasion(later).choose_seed(None) == occasion().choose_seed(None) + 24 * 60
    assert 0 <= occasion(datetime(2100, 1, 1, tzinfo=UTC)).choose_seed(None) <= 2**31


def test_a_seed_that_is_told_stays() -> None:
    assert occasion().choose_seed(0) == 0
    assert occasion(is_deployed=False).choose_seed(None) == 42


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("output/nightly/{date}", "output/nightly/2026-11-23"),
        ("s3://bucket/{flow}-{count}-{seed}/{time}", "s3://bucket/training-400-7/0200"),
        ("plain", "plain"),
        ("{{date}}", "{date}"),
    ],
)
def test_placeholders_are_filled_in(template: str, expected: str) -> None:
    assert fill(template) == expected


def test_dates_are_of_the_zone() -> None:
    assert fill("{date}", zone="UTC") == "2026-11-22"


@pytest.mark.parametrize("template", ["{day}", "{}", "{0}", "{date.year}", "{date!r:{seed}}{", "a}b", "{seed[0]}"])
def test_other_braces_are_refused_with_what_is_known(template: str) -> None:
    with pytest.raises(ConfigError, match=r"Known are \{date\}, \{time\}"):
        fill(template)
