"""Prices: the library's batch rates as they are, what the user sets before them, and nothing where nobody knows."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal

import genai_prices
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from datagen_core.pricing import Price, PriceBook, cost, format_tokens, format_usd

NOW = datetime(2026, 11, 20, tzinfo=UTC)
BEFORE_BATCH_RATES = datetime(2026, 9, 1, tzinfo=UTC)
MILLION_IN = genai_prices.Usage(input_tokens=1_000_000)
OURS = ["gpt-6-luna", "gpt-6.1-terra", "gpt-6.1-sol", "gpt-4o-mini", "o3"]

tokens = st.integers(0, 10**9)


def found(model: str, book: PriceBook | None = None, at: datetime = NOW) -> Price:
    price = (book or PriceBook()).find(model, at=at)
    assert price is not None
    return price


@pytest.mark.parametrize("model", OURS)
@given(prompt=st.integers(0, 200_000), shares=st.tuples(st.floats(0, 0.5), st.floats(0, 0.5)), completion=tokens)
def test_amounts_are_the_librarys_own_at_batch_rates(
    model: str, prompt: int, shares: tuple[float, float], completion: int
) -> None:
    price = found(model)
    cached = int(prompt * shares[0])
    written = int(prompt * shares[1]) if price.cache_write != price.input else 0
    usage = genai_prices.Usage(
        input_tokens=prompt, cache_read_tokens=cached, cache_write_tokens=written, output_tokens=completion
    )
    calculation = genai_prices.calc_price(
        usage, model, provider_id="openai", genai_request_timestamp=NOW, price_context={"processing": "batch"}
    )
    assert cost(price, prompt, completion, cached=cached, written=written) == calculation.total_price


def test_the_source_names_library_version_provider_and_date() -> None:
    source = found("gpt-6-luna").source
    assert source.startswith(f"genai-prices {genai_prices.__version__}, OpenAI batch rates, checked 2026-")


@pytest.mark.parametrize("model", ["gpt-6-luna", "gpt-6.1-sol"])
def test_a_snapshot_costs_what_its_model_does(model: str) -> None:
    assert found(f"{model}-2026-01-01") == found(model)


@pytest.mark.parametrize(
    "model", ["", "nonsense", "gpt-6-luna-turbo", "gpt-99", "ft:gpt-6-luna:a", "\ud800", "x" * 9_999]
)
def test_what_the_library_does_not_know_has_no_price(model: str) -> None:
    assert PriceBook().find(model, at=NOW) is None


def test_a_model_that_is_not_paid_by_tokens_in_and_out_has_no_price() -> None:
    assert PriceBook().find("text-embedding-3-small", at=NOW) is None


def test_where_no_batch_rate_holds_openais_synchronous_ones_are_halved_and_the_source_says_so() -> None:
    price = found("gpt-6-luna", at=BEFORE_BATCH_RATES)
    usage = genai_prices.Usage(input_tokens=10_000, output_tokens=10_000)
    full = genai_prices.calc_price(usage, "gpt-6-luna", genai_request_timestamp=BEFORE_BATCH_RATES)
    assert cost(price, 10_000, 10_000) == full.total_price / 2
    assert "synchronous rates halved for batch" in price.source


def test_where_a_provider_has_no_batch_rate_nothing_is_taken_off_and_the_dearest_hour_counts() -> None:
    price = found("deepseek-chat")
    hours = [NOW.replace(hour=hour) for hour in range(24)]
    full = [genai_prices.calc_price(MILLION_IN, "deepseek-chat", genai_request_timestamp=hour) for hour in hours]
    assert price.input == max(calculation.total_price for calculation in full)
    assert price.input != min(calculation.total_price for calculation in full)
    assert "no batch rate is known" in price.source


def test_the_address_decides_whose_rates_they_are() -> None:
    name = "openai/gpt-oss-120b"
    groq = PriceBook(base_url="https://api.groq.com/openai/v1")
    assert "Groq" in found(name, groq).source
    assert groq.find("gpt-6.1-sol", at=NOW) is None
    proxy = PriceBook(base_url="https://proxy.example/v1")
    assert found("gpt-6-luna", proxy) == found("gpt-6-luna")


def test_a_price_says_from_where_on_it_does_not_hold() -> None:
    assert found("gpt-6-luna").tier_start == 272_000
    assert found("gpt-4o-mini").tier_start is None


def test_a_user_who_sets_input_and_output_needs_no_library() -> None:
    book = PriceBook(input=Decimal("0.1"), output=Decimal("0.4"))
    rate = Decimal("0.1")
    expected = Price(input=rate, cached_input=rate, cache_write=rate, output=Decimal("0.4"), source="set by the user")
    assert found("nobody-knows-me", book) == found("gpt-6-luna", book) == expected
    assert found("x", book.model_copy(update={"cached_input": Decimal(0)})).cached_input == 0


def test_part_of_a_price_goes_before_the_librarys_and_alone_is_none() -> None:
    book = PriceBook(output=Decimal(7))
    listed, price = found("gpt-6-luna"), found("gpt-6-luna", book)
    assert (price.output, price.input, price.cached_input) == (7, listed.input, listed.cached_input)
    assert price.source == f"output set by the user, the rest {listed.source}"
    assert book.find("nobody-knows-me", at=NOW) is None
    dear = found("gpt-6-luna", PriceBook(input=Decimal(9)))
    assert (dear.input, dear.cached_input, dear.cache_write, dear.output) == (9, 9, 9, listed.output)


def test_a_price_of_zero_that_is_set_is_zero() -> None:
    assert cost(found("mine", PriceBook(input=Decimal(0), output=Decimal(0))), 10**9, 10**9) == 0


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), "cheap"])
def test_a_rate_is_an_amount(value: object) -> None:
    with pytest.raises(ValidationError):
        PriceBook.model_validate({"input": value})


@given(parts=st.lists(st.tuples(tokens, tokens)))
def test_costs_add_up_to_the_last_digit(parts: list[tuple[int, int]]) -> None:
    price = found("gpt-6.1-sol")
    whole = cost(price, sum(prompt for prompt, _ in parts), sum(completion for _, completion in parts))
    assert sum((cost(price, *part) for part in parts), Decimal(0)) == whole


def test_input_at_its_dearest_is_what_goes_into_the_cache() -> None:
    price = found("gpt-6-luna")
    assert price.at_dearest().input == price.cache_write > price.input > price.cached_input


def test_the_library_is_imported_for_the_first_price_only_and_asks_nobody() -> None:
    script = (
        "import socket, sys\n"
        "def refuse(*_): raise AssertionError('asked the network')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from datagen_core.pricing import PriceBook\n"
        "book = PriceBook()\n"
        "assert 'genai_prices' not in sys.modules\n"
        "assert book.find('gpt-6-luna') is not None and book.find('nonsense') is None\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (None, "unknown"),
        ("0", "$0.00"),
        ("0.27", "$0.27"),
        ("1234.567", "$1,234.57"),
        ("0.0123456", "$0.0123"),
        ("0.05", "$0.05"),
        ("0.00000123", "$0.00000123"),
        ("0.09949", "$0.0995"),
        ("0.0999", "$0.10"),
    ],
)
def test_amounts_are_shown_with_the_digits_that_matter(amount: str | None, text: str) -> None:
    assert format_usd(None if amount is None else Decimal(amount)) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, "unknown"),
        (0, "0"),
        (99_999, "99,999"),
        (280_000, "0.28 M"),
        (1_634_000, "1.6 M"),
        (160_000_000, "160 M"),
    ],
)
def test_token_counts_are_shown_short(count: int | None, text: str) -> None:
    assert format_tokens(count) == text
