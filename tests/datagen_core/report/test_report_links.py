"""Links: to a provider's page where it has one, to what a browser opens, and never to where a name would lead it."""

from __future__ import annotations

import pytest
from golden_files import Golden
from huggingface_hub.constants import ENDPOINT
from hypothesis import given, settings
from hypothesis import strategies as st
from reading_markdown import Shown
from report_rows import HOSTILE, any_text

from datagen_core.report import (
    MAX_ARTIFACT_BYTES,
    LinkedBatch,
    find_batch_page,
    find_dataset_page,
    render_links,
)

OPENAI = "https://api.openai.com/v1"


def test_links_read_as_the_golden_file_has_them(golden: Golden) -> None:
    text = render_links(
        title="training-42: where things are",
        provider="openai",
        base_url=OPENAI,
        batches=[LinkedBatch(1, 1, "batch_6a1f"), LinkedBatch(1, 2, "batch_77_0")],
        files={
            "dataset": "/data/run/dataset.jsonl",
            "rejected": "s3://bucket/run/rejected.jsonl",
            "samples": "https://files.example/run 1/samples(1).txt",
        },
        repo_id="someone/delivery-dialogues",
        hf_endpoint="https://hub.example/",
    )
    golden("report/links.md", text)
    assert Shown(text).links == [
        "https://hub.example/datasets/someone/delivery-dialogues",
        "https://files.example/run%201/samples%281%29.txt",
        "https://platform.openai.com/batches/batch_6a1f",
        "https://platform.openai.com/batches/batch_77_0",
    ]


@pytest.mark.parametrize(
    ("provider", "base_url"),
    [
        ("openai", "https://eu.example/v1"),
        ("openai", "https://api.openai.com.evil.example/v1"),
        ("openai", "http://[broken"),
        ("simulator", OPENAI),
        ("local", "http://127.0.0.1:8000/v1"),
    ],
)
def test_a_provider_without_a_page_has_no_link_but_the_id(provider: str, base_url: str) -> None:
    assert find_batch_page("batch_1", provider=provider, base_url=base_url) is None  # pyright: ignore[reportArgumentType]
    text = render_links(title="t", provider="local", base_url=base_url, batches=[LinkedBatch(1, 1, "batch_1")])
    assert Shown(text).links == []
    assert "<code>batch_1</code>" in text


def test_an_id_cannot_lead_elsewhere_on_the_provider_s_site() -> None:
    assert find_batch_page("../login?next=/", provider="openai", base_url=OPENAI) == (
        "https://platform.openai.com/batches/..%2Flogin%3Fnext%3D%2F"
    )


def test_the_hub_is_the_one_that_is_pushed_to_unless_another_is_named() -> None:
    assert find_dataset_page("someone/data") == f"{ENDPOINT}/datasets/someone/data"
    assert find_dataset_page("a/b", endpoint="https://hub.example/") == "https://hub.example/datasets/a/b"


def test_two_thousand_batches_stay_small_and_the_rest_is_counted() -> None:
    batches = [LinkedBatch(1, number, f"batch_{number:032x}") for number in range(1, 5_001)]
    text = render_links(title="t", provider="openai", base_url=OPENAI, batches=batches)
    assert len(text.encode()) <= MAX_ARTIFACT_BYTES
    assert "more batches" in text


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_make_no_link_but_the_ones_meant(text: str) -> None:
    shown = Shown(
        render_links(
            title=text,
            provider="openai",
            base_url=OPENAI,
            batches=[LinkedBatch(1, 1, text)],
            files={text: text, "page": "https://files.example/" + text},
            repo_id=text,
            hf_endpoint="https://hub.example",
        )
    )
    hosts = [link.split("/")[2] for link in shown.links]
    assert sorted(hosts) == ["files.example", "hub.example", "platform.openai.com"] or text.startswith("https://")
    assert {len(row) for table in shown.tables for row in table} == {2, 3}


@settings(max_examples=25)
@given(st.lists(any_text, max_size=6))
def test_no_name_makes_a_link_or_breaks_a_table(names: list[str]) -> None:
    text = render_links(
        title="".join(names),
        provider="openai",
        base_url=OPENAI,
        batches=[LinkedBatch(1, 1, name) for name in names],
        files={name: f"https://files.example/{name}" for name in names},
    )
    shown = Shown(text)
    assert {link.split("/")[2] for link in shown.links} <= {"files.example", "platform.openai.com"}
    assert {len(row) for table in shown.tables for row in table} <= {2, 3}


def test_endless_addresses_stay_small() -> None:
    text = render_links(
        title="t",
        provider="local",
        base_url="http://127.0.0.1:8000",
        batches=[LinkedBatch(1, 1, "b" * 1_000_000)] * 50,
        files={f"{number}": f"https://files.example/{'가' * 30_000}" for number in range(50)},
    )
    assert len(text.encode()) <= MAX_ARTIFACT_BYTES
    assert "Left out" in text
