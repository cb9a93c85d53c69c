"""Duplicates: the same is found whatever its ids, the near is found and nothing else, garbage is no error."""

from __future__ import annotations

import random
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datagen_core.dataset.deduplicating import (
    GOLD_NEAR,
    NEAR,
    DuplicateIndex,
    Fingerprint,
    fingerprint_record,
    fold_text,
    measure_jaccard,
    shingle,
)

ID, OTHER_ID = "7f493856-ef0c-4059-9b8c-72bc2b81c384", "0b3c1a52-5d51-5c6a-9d39-3f1f6b7d2a10"


def _record(*contents: str, **meta: object) -> dict[str, object]:
    messages = [{"role": "assistant" if n % 2 else "user", "content": text} for n, text in enumerate(contents)]
    return {"messages": messages, "meta": meta}


def _read(record: dict[str, object], name: str = "one") -> Fingerprint:
    fingerprint = fingerprint_record(record, name)
    assert fingerprint is not None
    return fingerprint


def _said(text: str, name: str = "one") -> Fingerprint:
    return _read(_record(text, "네."), name)


@pytest.mark.parametrize(
    "same",
    [
        ("주문 {id} 어디쯤 왔어요?", "네, 배달 중입니다."),
        ("  주문\n{id}\t어디쯤   왔어요? ", "네, 배달 중입니다.\n"),
        (unicodedata.normalize("NFD", "주문 {id} 어디쯤 왔어요?"), "네, 배달 중입니다."),
        ("주문 {id} 어디쯤\u3000왔어요?", "네, 배달\u00a0중입니다."),
    ],
    ids=["other id", "white space", "decomposed", "wide space"],
)
def test_the_same_messages_are_the_same_whatever_ids_spaces_and_form(same: tuple[str, str]) -> None:
    with DuplicateIndex() as index:
        index.add(_read(_record(f"주문 {ID} 어디쯤 왔어요?", "네, 배달 중입니다."), "first"))
        fingerprint = _read(_record(same[0].format(id=OTHER_ID.upper()), same[1]))
        assert index.find_same(fingerprint) == "first"


@pytest.mark.parametrize(
    "other",
    [
        ("주문 어디쯤 왔어요?", "네, 배달 완료입니다."),
        ("주문 어디쯤 왔어요", "네, 배달 중입니다."),
        ("주문 어디쯤 왔어요?",),
        ("", "주문 어디쯤 왔어요?", "네, 배달 중입니다."),
        ("주문 어디쯤 왔어요?\0assistant\0네, 배달 중입니다.",),
    ],
    ids=["answer", "one character", "shorter", "other speaker", "one message that looks like two"],
)
def test_other_messages_are_not_the_same(other: tuple[str, ...]) -> None:
    with DuplicateIndex() as index:
        index.add(_read(_record("주문 어디쯤 왔어요?", "네, 배달 중입니다.")))
        assert index.find_same(_read(_record(*other))) is None


def test_only_the_customer_counts_for_nearness() -> None:
    record = _record(
        "치킨집 찾아 주세요", "<tool_call>\n{}\n</tool_call>", "<tool_response>\n[]\n</tool_response>", "네"
    )
    assert _read(record).text == "치킨집 찾아 주세요"


def _pair(n_common: int, n_own: int) -> tuple[str, str]:
    """Return two texts whose 5-grams have `n_common` in common and `n_own` more in the second."""
    letters = [chr(0xAC00 + 7 * n) for n in range(n_common + n_own + 4)]
    return "".join(letters[: n_common + 4]), "".join(letters)


@pytest.mark.parametrize(
    ("threshold", "n_common", "n_own", "is_near"),
    [(NEAR, 80, 20, True), (NEAR, 79, 21, False), (NEAR, 4, 1, True), (NEAR, 3, 1, False), (NEAR, 799, 201, False),
     (GOLD_NEAR, 60, 40, True), (GOLD_NEAR, 59, 41, False)],
)  # fmt: skip
@pytest.mark.parametrize("is_swapped", [False, True])
def test_nearness_begins_exactly_at_the_threshold(
    threshold: float, n_common: int, n_own: int, is_near: bool, is_swapped: bool
) -> None:
    pair = _pair(n_common, n_own)
    left, right = reversed(pair) if is_swapped else pair
    assert measure_jaccard(shingle(left), shingle(right)) == n_common / (n_common + n_own)
    with DuplicateIndex(threshold) as index:
        index.add(_said(left, "first"))
        match = index.find_near(_said(right))
        assert (match is not None) == is_near
        assert match is None or (match.name, match.similarity) == ("first", n_common / (n_common + n_own))


@pytest.mark.parametrize(
    ("left", "right", "is_near"),
    [("네", "네", True), ("네", "넵", False), ("안녕하세요", "안녕하세요", True), ("안녕하세요", "안녕하세요.", False),
     ("", "", False), (" \n", "\t", False), ("네", "", False)],
)  # fmt: skip
def test_short_texts_are_near_only_where_they_are_equal_and_silence_never_is(
    left: str, right: str, is_near: bool
) -> None:
    with DuplicateIndex() as index:
        index.add(_said(left))
        assert (index.find_near(_said(right)) is not None) == is_near


def test_the_earliest_of_several_near_ones_is_named() -> None:
    with DuplicateIndex() as index:
        for name in ("first", "second", "third"):
            index.add(_said("장바구니에 담긴 떡볶이 하나만 빼 주시고 바로 결제해 주세요" + "!" * len(name), name))
        match = index.find_near(_said("장바구니에 담긴 떡볶이 하나만 빼 주시고 바로 결제해 주세요"))
        assert match is not None
        assert match.name == "first"


def _sentences(rng: random.Random, count: int) -> list[str]:
    """Return sentences, each third a near or far variant of an earlier one."""
    words = ["".join(chr(0xAC00 + rng.randrange(900)) for _ in range(rng.randrange(1, 5))) for _ in range(400)]
    texts: list[str] = []
    for number in range(count):
        if number % 3 == 2:
            changed = rng.choice(texts).split(" ")
            for _ in range(rng.randrange(3)):
                changed[rng.randrange(len(changed))] = rng.choice(words)
            texts.append(" ".join(changed))
        else:
            texts.append(" ".join(rng.choice(words) for _ in range(rng.randrange(1, 40))))
    return texts


@pytest.mark.parametrize("threshold", [NEAR, GOLD_NEAR])
def test_near_ones_found_are_those_that_comparing_all_with_all_finds(threshold: float) -> None:
    texts = _sentences(random.Random(5), 900)
    shingles = [shingle(fold_text(text)) for text in texts]
    n_near = n_found = 0
    with DuplicateIndex(threshold) as index:
        for number, text in enumerate(texts):
            match = index.find_near(_said(text))
            near = [n for n in range(number) if measure_jaccard(shingles[n], shingles[number]) >= threshold]
            n_near += bool(near)
            n_found += match is not None
            assert match is None or int(match.name) in near
            index.add(_said(text, str(number)))
    assert n_near > 50
    assert n_found >= n_near - 1


_HOSTILE = ["\ud800 안녕", "a\0b" * 5, "👨‍👩‍👧" * 9, "네" * 200_000, "'; DROP TABLE entry; --", "\u202e뒤집힌 글"]


@pytest.mark.parametrize("text", _HOSTILE, ids=["surrogate", "NUL", "emoji", "huge", "SQL", "right to left"])
def test_any_text_can_be_remembered_and_found(text: str) -> None:
    with DuplicateIndex() as index:
        assert index.find_near(_said(text)) is None
        index.add(_said(text, text))
        assert index.find_near(_said(text)) is not None
        assert index.find_same(_said(text)) is not None
        assert len(index) == 1


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=9,
)
_MESSAGES = st.lists(st.fixed_dictionaries({"role": _JSON | st.just("user"), "content": _JSON | st.text()}) | _JSON)
_META = st.fixed_dictionaries({}, optional={"scenario_id": _JSON, "goal": st.lists(_JSON), "opening": _JSON})


@given(record=st.fixed_dictionaries({}, optional={"messages": _MESSAGES | _JSON, "meta": _META | _JSON}))
def test_garbage_has_a_fingerprint_or_none(record: dict[str, object]) -> None:
    fingerprint = fingerprint_record(record, "x")
    if fingerprint is not None:
        with DuplicateIndex() as index:
            index.add(fingerprint)
            assert index.find_same(fingerprint) == "x"


_GOAL: list[dict[str, Any]] = [{"type": "cart_holds", "lines": [{"menu": "M3", "quantity": 2}]}]
_WORLD: dict[str, Any] = {"seed": 1, "user_id": ID, "now": "2026-02-14T19:10:00+09:00", "restaurants": [4, 9]}


def _task(goal: list[dict[str, Any]], **world: object) -> bytes | None:
    return _read(_record("네", "네", goal=goal, opening={**_WORLD, **world})).task


def test_a_task_is_goal_and_world_but_not_customer_and_hour() -> None:
    task = _task(_GOAL)
    assert task is not None
    assert _task(_GOAL, user_id=OTHER_ID, now="2026-03-01T12:00:00+09:00") == task
    others = [_task(_GOAL, seed=2), _task(_GOAL, restaurants=[4, 8]), _task([*_GOAL, {"type": "no_calls"}])]
    assert task not in others


@pytest.mark.parametrize(
    "goal",
    [[], [{"type": "no_calls"}], [{"type": "only_tools", "tools": ["get_cart"]}], [{"type": "cart_holds", "lines": []}],
     [{"type": "orders_placed", "orders": []}, {"type": "refusals", "required": []}], [None, 3, "x"]],
)  # fmt: skip
def test_a_goal_for_which_nothing_must_happen_is_no_task(goal: list[Any]) -> None:
    assert _task(goal) is None
