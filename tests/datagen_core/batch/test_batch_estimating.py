"""What requests will cost, before they are sent: tokens of any row, prices of files and shards, and what is unknown."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from writing_requests import write_requests

from datagen_core.batch.counting import FIRST_COUNTED, MESSAGE_TOKENS, MOST_SHARED, UNLIMITED_OUTPUT
from datagen_core.batch.estimating import (
    SCRIPT_TOKENS,
    TRANSCRIPT_TOKENS,
    RowTokens,
    TokenCounter,
    estimate_file,
    estimate_rows,
    estimate_shards,
)
from datagen_core.batch.models import Shard
from datagen_core.batch.requests import MAX_OUTPUT_TOKENS, RequestOptions, build_request
from datagen_core.errors import InputFileError
from datagen_core.files import JsonObject
from datagen_core.mixing import Sampling
from datagen_core.pricing import PriceBook
from datagen_core.scenarios import sample_scenarios
from datagen_core.tokens import LONGEST_COUNTED, estimate_tokens

PRICES = PriceBook(input=Decimal(1), output=Decimal(10))
CHAT = RequestOptions("m")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
fields = st.sampled_from(
    [
        "messages",
        "input",
        "instructions",
        "tools",
        "text",
        "response_format",
        "max_completion_tokens",
        "max_tokens",
        "n",
    ]
)
message_fields = st.sampled_from(["role", "content", "text", "tool_calls", "type"])
messages = st.lists(json_values | st.dictionaries(message_fields, json_values), max_size=4)


def rows_of(n: int, options: RequestOptions = CHAT, sampling: Sampling | None = None) -> list[JsonObject]:
    drawn = sample_scenarios("training", n, seed=5, sampling=sampling or Sampling())
    return [build_request(scenario, options) for scenario in drawn]


def chat(*contents: object, **body: object) -> JsonObject:
    return {"body": {"messages": [{"role": "user", "content": content} for content in contents], **body}}


def prompt_of(row: JsonObject) -> int:
    return TokenCounter().count_row(row).prompt


def whole_prompt(row: JsonObject) -> int:
    body = row["body"]
    assert isinstance(body, dict)
    schema = orjson.dumps(body["response_format"]).decode()
    texts = [message["content"] for message in body["messages"]]
    return sum(map(count_once, [schema, *texts])) + 3 * MESSAGE_TOKENS


count_once = lru_cache(estimate_tokens)


def shard_of(rows: int, prompt: int, most: int) -> Shard:
    return Shard(path="s", sha256="", rows=rows, bytes=1, prompt_tokens=prompt, max_output_tokens=most)


def test_the_first_rows_are_counted_whole_schema_included() -> None:
    counter = TokenCounter()
    for row in rows_of(FIRST_COUNTED):
        assert counter.count_row(row) == RowTokens(whole_prompt(row), MAX_OUTPUT_TOKENS)


def test_the_sum_over_many_rows_is_within_a_hundredth_of_counting_all() -> None:
    rows, counter = rows_of(600), TokenCounter()
    briefs = sum(counter.count_row(row).prompt - whole_prompt(row) for row in rows)
    whole = sum(count_once(row["body"]["messages"][1]["content"]) for row in rows)  # type: ignore[index]
    assert briefs != 0
    assert abs(briefs) <= whole / 100


def test_both_endpoints_count_alike() -> None:
    for chat_row, response_row in zip(rows_of(12), rows_of(12, RequestOptions("m", "/v1/responses")), strict=True):
        assert abs(prompt_of(chat_row) - prompt_of(response_row)) <= 12
        assert TokenCounter().count_row(response_row).max_output == MAX_OUTPUT_TOKENS


def test_what_rows_share_is_repeated_in_all_but_the_first() -> None:
    row, counter = rows_of(1)[0], TokenCounter()
    for _ in range(3):
        counter.count_row(row)
    body = row["body"]
    assert isinstance(body, dict)
    shared = [orjson.dumps(body["response_format"]).decode(), body["messages"][0]["content"]]
    assert counter.repeated == 2 * sum(map(estimate_tokens, shared))


def test_a_file_of_which_every_system_text_differs_keeps_its_memory() -> None:
    counter = TokenCounter()
    for number in range(2 * MOST_SHARED):
        tokens = counter.count_row({"body": {"messages": [{"role": "system", "content": f"{number} 안내 " * 40}]}})
        assert tokens.prompt > 40
    assert len(counter._shared) == MOST_SHARED


@given(
    row=json_values
    | st.dictionaries(st.just("body"), json_values | st.dictionaries(fields, json_values | messages), min_size=1)
)
def test_any_row_has_a_count(row: object) -> None:
    tokens = TokenCounter().count_row(row if isinstance(row, dict) else {"body": row})
    assert tokens.prompt >= 0
    assert tokens.max_output > 0


def test_parts_tools_and_calls_are_counted() -> None:
    plain = prompt_of(chat("안녕하세요"))
    assert prompt_of(chat([{"type": "text", "text": "안녕하세요"}])) == plain
    assert prompt_of(chat("안녕하세요", tools=[{"type": "function", "function": {"name": "get_cart"}}])) > plain + 5
    assert prompt_of(chat([{"type": "image_url", "image_url": {"url": "data:" + "A" * 30_000}}])) > 1_000
    called = {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}
    assert prompt_of({"body": {"messages": [called]}}) > 2 * MESSAGE_TOKENS + 5
    assert prompt_of({"body": {"input": "안녕하세요"}}) == plain


@pytest.mark.parametrize("text", [" " * 1_000_000, "가" * 3_000_000, "a" * (LONGEST_COUNTED + 1), "\n" * 500_000])
def test_a_text_too_long_for_the_tokenizer_counts_by_its_length(text: str) -> None:
    assert 0.7 * len(text) <= prompt_of(chat(text)) <= 0.9 * len(text)


@pytest.mark.parametrize("depth", [300, 5_000])
def test_nesting_beyond_reason_is_survived(depth: int) -> None:
    content: object = "x"
    for _ in range(depth):
        content = [content]
    assert prompt_of(chat("안녕", tools=content)) > 0


@pytest.mark.parametrize(
    ("body", "limit"),
    [
        ({"max_completion_tokens": 700}, 700),
        ({"max_output_tokens": 700}, 700),
        ({"max_tokens": 700}, 700),
        ({"max_completion_tokens": 700, "n": 3}, 2_100),
        ({"max_completion_tokens": 700, "n": "3"}, 700),
        ({}, UNLIMITED_OUTPUT),
        ({"max_completion_tokens": "700"}, UNLIMITED_OUTPUT),
        ({"max_completion_tokens": True}, UNLIMITED_OUTPUT),
        ({"max_completion_tokens": -5}, UNLIMITED_OUTPUT),
        ({"max_completion_tokens": 10**30}, UNLIMITED_OUTPUT),
        ({"max_completion_tokens": None, "n": 2}, 2 * UNLIMITED_OUTPUT),
    ],
)
def test_what_an_answer_may_have(body: JsonObject, limit: int) -> None:
    assert TokenCounter().count_row({"body": body}).max_output == limit


def test_a_file_is_estimated_as_its_rows_and_as_its_shards(tmp_path: Path) -> None:
    path = tmp_path / "batch_input.jsonl"
    write_requests(path, sample_scenarios("training", 90, seed=5), RequestOptions("gpt-6-luna"))
    ticks: list[int] = []
    found = estimate_file(path, PRICES, advance=ticks.append)
    rows = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    counter = TokenCounter()
    counts = [counter.count_row(row) for row in rows]
    halves = [
        shard_of(len(part), sum(t.prompt for t in part), sum(t.max_output for t in part))
        for part in (counts[:40], counts[40:])
    ]
    assert found == estimate_rows(rows, PRICES)
    assert found.model_copy(update={"cacheable_tokens": None}) == estimate_shards(halves, "gpt-6-luna", PRICES)
    assert found.model == "gpt-6-luna"
    assert sum(ticks) == found.requests == 90
    assert found.cacheable_tokens is not None
    assert found.prompt_tokens is not None
    assert found.prompt_tokens / 2 < found.cacheable_tokens < found.prompt_tokens


def test_costs_are_tokens_times_rates() -> None:
    found = estimate_shards([shard_of(10, 50_000, 80_000)], "m", PRICES, mean_output=500)
    assert (found.expected_output_tokens, found.most_output_tokens) == (5_000, 80_000)
    assert (found.expected_cost, found.most_cost) == (Decimal("0.10"), Decimal("0.85"))
    assert found.describe() == (
        "10 requests, 50,000 tokens in, about 5,000 out (at most 80,000): about $0.10, at most $0.85 (set by the user)"
    )


@given(
    shards=st.lists(
        st.builds(shard_of, st.integers(1, 50_000), st.integers(1, 10**9), st.integers(1, 10**9)), max_size=5
    ),
    mean=st.none() | st.floats(0, 10**6),
    model=st.sampled_from(["gpt-6-luna", "gpt-4o-mini", "mine"]),
)
def test_at_most_is_never_below_about_and_rounds_have_no_say(
    shards: list[Shard], mean: float | None, model: str
) -> None:
    found = estimate_shards(shards, model, PriceBook(), mean_output=mean)
    assert (found.most_cost is None) == (found.expected_cost is None)
    assert found.most_output_tokens is not None
    assert found.expected_output_tokens <= found.most_output_tokens
    if found.most_cost is not None and found.expected_cost is not None:
        assert found.expected_cost <= found.most_cost


def test_without_answers_to_go_by_scripts_and_transcripts_have_their_own_length() -> None:
    assert estimate_rows(rows_of(4), PRICES).expected_output_tokens == 4 * SCRIPT_TOKENS
    transcripts = rows_of(4, sampling=Sampling(writer="transcript"))
    assert estimate_rows(transcripts, PRICES).expected_output_tokens == 4 * TRANSCRIPT_TOKENS
    assert estimate_rows(transcripts, PRICES, mean_output=50).expected_output_tokens == 200
    assert estimate_rows(rows_of(4, RequestOptions("m", max_output_tokens=100)), PRICES).expected_output_tokens == 400


def test_an_unknown_price_is_unknown_and_says_how_to_set_it() -> None:
    found = estimate_rows(rows_of(2, RequestOptions("nobody-knows-me")), PriceBook())
    assert (found.price, found.expected_cost, found.most_cost) == (None, None, None)
    assert "price of 'nobody-knows-me' unknown. Set DATAGEN_PRICE_INPUT and DATAGEN_PRICE_OUTPUT" in found.describe()
    assert "$" not in found.describe()
    assert estimate_rows(rows_of(2), PriceBook(), model="gpt-6-luna").expected_cost is not None


@pytest.mark.parametrize("shard", [shard_of(5, 0, 0), shard_of(5, 0, 100), shard_of(5, 100, 0)])
def test_a_shard_that_nobody_counted_makes_the_cost_unknown(shard: Shard) -> None:
    found = estimate_shards([shard_of(5, 100, 100), shard], "m", PRICES)
    assert (found.prompt_tokens, found.most_output_tokens, found.expected_cost, found.most_cost) == (None,) * 4
    assert "unknown tokens in" in found.describe()


def test_prompts_beyond_the_first_tier_have_no_known_cost() -> None:
    fitting, beyond = (chat("가" * n, model="gpt-6-luna") for n in (300_000, 400_000))
    assert estimate_rows([fitting], PriceBook()).most_cost is not None
    found = estimate_rows([fitting, beyond], PriceBook())
    assert (found.expected_cost, found.most_cost) == (None, None)
    assert found.price is not None


@pytest.mark.parametrize("models", [("gpt-6-luna", "gpt-6.1-sol"), (None,), (7,), ("",)])
def test_rows_of_several_models_or_of_none_have_no_price(models: tuple[object, ...]) -> None:
    rows = [chat("안녕", model=model) for model in models]
    assert estimate_rows(rows, PriceBook()).price is None


def test_no_rows_cost_nothing() -> None:
    found = estimate_shards([], "gpt-6-luna", PriceBook())
    assert (found.requests, found.expected_cost, found.most_cost) == (0, 0, 0)


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "batch_input.jsonl"
    path.write_bytes(orjson.dumps(rows_of(1)[0]) + b'\n{"body": \n')
    with pytest.raises(InputFileError, match="line 2"):
        estimate_file(path, PRICES)
    with pytest.raises(InputFileError, match="nowhere"):
        estimate_file(tmp_path / "nowhere.jsonl", PRICES)
