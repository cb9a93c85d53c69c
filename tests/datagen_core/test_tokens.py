"""Tokens before submitting: an estimate by a part of the vocabulary, held against the whole of it."""

from __future__ import annotations

import unicodedata

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datagen_core.batch.requests import RequestOptions, build_request
from datagen_core.dialogue.script import build_script_schema
from datagen_core.files import JsonObject
from datagen_core.mixing import Sampling
from datagen_core.scenarios import sample_scenarios
from datagen_core.tokens import count_tokens, estimate_tokens

syllables = st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3)
korean = st.text(st.one_of(syllables, st.sampled_from(" ,.?!\n0123456789"), st.characters(max_codepoint=0x7E)))


def texts_of(row: JsonObject) -> list[str]:
    body = row["body"]
    assert isinstance(body, dict)
    return [message["content"] for message in body["messages"]]


@pytest.mark.parametrize("writer", ["script", "transcript"])
def test_our_prompts_are_estimated_within_a_hundredth_and_never_below(writer: str) -> None:
    drawn = sample_scenarios("training", 120, seed=11, sampling=Sampling(writer=writer))  # type: ignore[arg-type]
    systems, briefs = zip(*(texts_of(build_request(scenario, RequestOptions("m"))) for scenario in drawn), strict=True)
    for texts in (set(systems), set(briefs)):
        pairs = [(estimate_tokens(text), count_tokens(text)) for text in texts]
        assert all(estimated >= counted for estimated, counted in pairs)
        assert sum(estimated for estimated, _ in pairs) <= 1.01 * sum(counted for _, counted in pairs)


def test_a_schema_is_estimated_within_three_hundredths() -> None:
    schema = orjson.dumps(build_script_schema(parallel_calls=True)).decode()
    assert count_tokens(schema) <= estimate_tokens(schema) <= 1.03 * count_tokens(schema)


@given(text=korean)
def test_no_korean_text_is_estimated_below_its_count(text: str) -> None:
    text = unicodedata.normalize("NFC", text)  # as `count_tokens` does first
    assert estimate_tokens(text) >= count_tokens(text)


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ("Please deliver two bowls of noodle soup to the office before eight. " * 20, 1.1),
        ("我想点一份炸鸡和两杯可乐,请送到公司的地址。", 2.5),
        ("Я хотел бы заказать жареную курицу и две колы.", 2.0),
        ("😀🎉👍🏽🍗🍕🥤", 3.0),
        ("0f3c9a7e-5b21-4d88-9c0e-7a6b5d4c3e2f " * 20, 1.1),
    ],
)
def test_what_the_part_holds_little_of_is_estimated_above(text: str, most: float) -> None:
    assert count_tokens(text) <= estimate_tokens(text) <= most * count_tokens(text)


def test_hostile_text_has_an_estimate_or_a_reason() -> None:
    assert estimate_tokens("") == 0
    assert estimate_tokens("\ud800가") > 1
    assert estimate_tokens("<|im_end|>") > 1
    assert estimate_tokens("\x00\ufffe\U0010ffff") >= 3
    with pytest.raises(ValueError, match="stack"):
        estimate_tokens(" " * 1_000_000)
