"""Decides where a run's things are found: its batches at the provider, its files, and its dataset on the Hub."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple
from urllib.parse import quote, urlsplit

from datagen_core.report.markdown import Page, escape, escape_code
from datagen_core.settings import Provider

_PAGES: Final = {"api.openai.com": "https://platform.openai.com/batches/"}
"""Where a provider shows a batch to people, by the host of its API; the id comes last."""

_ADDRESS: Final = "/:?=&%+,;~@!$-._"
"""What stands in an address as it is; anything else is written as %XX, so that no address ends a link early."""

_LONGEST_ADDRESS: Final = 2_000
_LONGEST_NAME: Final = 120


class LinkedBatch(NamedTuple):
    """A batch, and which shard of which round it is; both count from 1."""

    round_number: int
    shard_number: int
    batch_id: str


def find_batch_page(batch_id: str, *, provider: Provider, base_url: str) -> str | None:
    """Return the address of the page on which the provider shows a batch; None where it has none that we know."""
    page = _PAGES.get(_host_of(base_url)) if provider == "openai" else None
    return None if page is None else page + quote(batch_id, safe="", errors="replace")


def find_dataset_page(repo_id: str, *, endpoint: str | None = None) -> str:
    """Return the address of a dataset's page on the Hub; without an `endpoint` the public one, or HF_ENDPOINT's."""
    if endpoint is None:
        from huggingface_hub.constants import ENDPOINT

        endpoint = ENDPOINT
    return f"{endpoint.rstrip('/')}/datasets/{quote(repo_id, safe='/', errors='replace')}"


def render_link(text: str, address: str) -> str:
    """Return a Markdown link; an address that no browser opens (`s3://`, a path) stands as code instead."""
    if urlsplit(address).scheme not in {"http", "https"}:
        return escape_code(address, _LONGEST_ADDRESS)
    return f"[{escape(text, _LONGEST_NAME)}]({quote(address, safe=_ADDRESS, errors='replace')})"


def render_links(
    *,
    title: str,
    provider: Provider,
    base_url: str,
    batches: Sequence[LinkedBatch] = (),
    files: Mapping[str, str] | None = None,
    repo_id: str | None = None,
    hf_endpoint: str | None = None,
) -> str:
    """Return as Markdown where everything of a run is; `files` holds paths or URLs by what they are."""
    page = Page()
    page.add(f"# {escape(title, _LONGEST_NAME)}", name="the title")
    if repo_id is not None:
        dataset = render_link(repo_id, find_dataset_page(repo_id, endpoint=hf_endpoint))
        page.add(f"Dataset on the Hub: {dataset}", name="the dataset's page")
    rows = ([escape(name, _LONGEST_NAME), render_link(path, path)] for name, path in (files or {}).items())
    page.add_table(["file", "place"], rows, name="files")
    page.add_table(
        ["round", "shard", "batch"], _iter_batches(batches, provider, base_url), name="batches", right=[0, 1]
    )
    return page.render()


def _iter_batches(batches: Sequence[LinkedBatch], provider: Provider, base_url: str) -> Iterator[list[str]]:
    for one in batches:
        address = find_batch_page(one.batch_id, provider=provider, base_url=base_url)
        name = escape_code(one.batch_id, _LONGEST_NAME) if address is None else render_link(one.batch_id, address)
        yield [f"{one.round_number}", f"{one.shard_number}", name]


def _host_of(base_url: str) -> str:
    try:
        return urlsplit(base_url).hostname or ""
    except ValueError:
        return ""
