"""Attempts: what is kept of a row is short and safe, and only of dialogues that were never accepted."""

from __future__ import annotations

import orjson
from hypothesis import given
from hypothesis import strategies as st

from datagen_core.dataset.attempts import LONGEST_MESSAGE, AttemptLog, describe_attempt

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=9,
)
_NAMES = st.sampled_from(["custom_id", "fate", "reason", "class", "error", "violations"])


def test_an_attempt_names_the_rules_and_the_error_in_short() -> None:
    row = {
        "custom_id": "training-42-000017-s1.r3",
        "fate": "failed",
        "reason": "error",
        "class": "final",
        "violations": [
            {"rule": "S02", "severity": "E"},
            {"rule": "L01", "severity": "W"},
            {"rule": "S01", "severity": "E"},
        ],
        "error": {"code": "x" * 500, "message": "no\n" * 50_000, "status": 400},
        "text": "long" * 10_000,
    }
    attempt = describe_attempt(row)
    assert (attempt["round"], attempt["custom_id"], attempt["class"]) == (3, "training-42-000017-s1.r3", "final")
    assert attempt["rules"] == ["S01", "S02"]
    assert attempt["error"] is not None
    assert attempt["error"]["message"].startswith("no no no")
    assert len(attempt["error"]["message"]) == LONGEST_MESSAGE + 1
    assert len(orjson.dumps(attempt)) < 1_000


@given(row=st.dictionaries(_NAMES, _JSON))
def test_whatever_a_row_holds_can_be_told(row: dict[str, object]) -> None:
    attempt = describe_attempt(row)
    assert orjson.loads(orjson.dumps(attempt)) == attempt


def test_only_what_was_never_accepted_is_told() -> None:
    log = AttemptLog()
    for number in (1, 2):
        log.add("a", {"custom_id": f"a.r{number}"})
        log.add("b", {"custom_id": f"b.r{number}"})
    log.accept("b")
    log.add("b", {"custom_id": "b.r3"})
    assert log.is_accepted("b")
    assert [attempt["custom_id"] for attempt in log.close("a")] == ["a.r1", "a.r2"]
    assert log.close("a") == log.close("b") == []
    assert not log.is_accepted("b")
