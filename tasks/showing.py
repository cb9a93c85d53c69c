"""Decides what a run shows in the Prefect UI: its shards while they are polled, and at its end what came of it."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

import httpx
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactCreate
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey, FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.sorting import ArtifactSort
from prefect.exceptions import PrefectHTTPStatusError
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from datagen_core.batch.models import BatchStatus, Shard, Submitted
from datagen_core.dataset.funnel import read_funnel
from datagen_core.dataset.rounds import RunFiles
from datagen_core.report import (
    LinkedBatch,
    Progress,
    build_funnel_rows,
    build_progress,
    render_chats,
    render_costs,
    render_funnel,
    render_links,
    render_rejections,
)
from datagen_core.settings import Provider
from datagen_core.storage import join_location, localize

SHARE_OF_TIME: Final = 0.02
"""How long after the last change the next is shown, as a share of the time since the round began."""

FILES_SHOWN: Final = ("dataset.jsonl", "rejected.jsonl", "funnel.json", "result_lst.json", "ledger.jsonl")

_DESCRIPTIONS: Final = {
    "funnel": "What became of every request, by round, kind and category.",
    "rejections": "Why answers did not become dialogues, with examples of each reason.",
    "samples": "Drawn from the dataset by its checksum, of different kinds where it has them.",
    "cost": "Tokens and US dollars, by kind of dialogue and by model.",
    "links": "The batches at the provider, the run's files, and the dataset on the Hub.",
}

_log = logging.getLogger(__name__)


class ShardProgress:
    """Shows how a round's shards stand, as a table and as one bar; threads may share it.

    Both are made at the first look and changed in place: they cost the server's database two rows a round. What cannot
    be shown stops nothing.
    """

    def __init__(self, profile: str, run_name: str, number: int, shards: Sequence[Shard]) -> None:
        self._profile, self._title = profile, f"Round {number} of {run_name}"
        self._shards, self._number = shards, number
        self._submitted: dict[int, Submitted] = {}
        self._heard: dict[int, BatchStatus] = {}
        self._next_looks: dict[int, float] = {}
        self._began = self._shown_at = 0.0
        self._table: UUID | None = None
        self._bar: UUID | None = None
        self._lock = threading.Lock()

    def submit(self, number: int, submitted: Submitted) -> None:
        """Note that a shard, from 0, was submitted."""
        with self._lock:
            self._submitted[number] = submitted

    def watch(self, shard_number: int, status: BatchStatus, next_look: float) -> None:
        """Note how the batch of a shard, from 1, stands, and show it unless something was shown a moment ago.

        `next_look` is about when its batch is asked for again, in epoch seconds.
        """
        with self._lock:
            self._heard[shard_number - 1] = status
            self._next_looks[shard_number - 1] = next_look
            now = time.monotonic()
            self._began = self._began or now
            if self._table is not None and now - self._shown_at < max(1.0, (now - self._began) * SHARE_OF_TIME):
                return
            self._show()
            self._shown_at = time.monotonic()

    def finish(self) -> None:
        """Show how all ended, where anything was shown before."""
        with self._lock:
            if self._table is not None:
                self._show()

    def _show(self) -> None:
        progress = build_progress(
            self._shards, self._submitted, self._heard, now=time.time(), next_looks=self._next_looks
        )
        total = sum(shard.rows for shard in self._shards)
        done = sum(status.counts.completed + status.counts.failed for status in self._heard.values())
        share = min(100.0, 100 * done / total) if total else 100.0
        try:
            with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}):  # while the server is away, looks go on
                if self._table is None or self._bar is None:
                    self._create(progress, share)
                else:
                    _update(self._table, json.dumps(progress.rows), self._describe(progress))
                    _update(self._bar, share, self._describe(progress))
        except (httpx.HTTPError, PrefectHTTPStatusError, RuntimeError, ValueError) as error:
            _log.debug("The progress could not be shown: %s", error)

    def _create(self, progress: Progress, share: float) -> None:
        self._bar = self._create_one("progress", share, progress)
        self._table = self._create_one("table", json.dumps(progress.rows), progress)

    def _create_one(self, kind: str, data: object, progress: Progress) -> UUID:
        """Make an artifact of the flow run; Prefect's own functions would make it that of the first shard's poll."""
        name = "shards" if kind == "table" else kind
        made = ArtifactCreate(
            key=f"{self._profile}-{name}-round-{self._number}",
            type=kind,
            data=data,
            description=self._describe(progress),
            flow_run_id=_find_flow_run(),
        )
        with get_client(sync_client=True) as client:
            return client.create_artifact(made).id

    def _describe(self, progress: Progress) -> str:
        return f"{self._title}: {progress.summary}"


def show(
    profile: str,
    files: RunFiles,
    folder: str,
    batches: list[LinkedBatch],
    provider: Provider,
    base_url: str,
    repo_id: str | None,
    hf_endpoint: str | None,
) -> None:
    """Make the artifacts of the flow run that we are in. Safe to repeat: what it shows already is not made again.

    No task: what is cached would not be shown by the next run in the same folder.
    """
    run_name = folder.rpartition("/")[2]
    dataset, rejected = Path(localize(files.judged.dataset).path), Path(localize(files.judged.rejected).path)
    funnel = read_funnel(Path(localize(files.judged.funnel).path))
    places = {place: join_location(folder, place) for place in (*FILES_SHOWN, "samples", "rounds")}
    pages = {
        "funnel": render_funnel(funnel, title=f"Funnel of {run_name}"),
        "rejections": render_rejections(rejected, title=f"Why not accepted, {run_name}"),
        "samples": render_chats(dataset, seed=files.judged.dataset.sha256, title=f"Three dialogues of {run_name}"),
        "cost": render_costs(funnel, title=f"Cost of {run_name}"),
        "links": render_links(
            title=f"Where {run_name} is",
            provider=provider,
            base_url=base_url,
            batches=batches,
            files=places,
            repo_id=repo_id,
            hf_endpoint=hf_endpoint,
        ),
    }
    table_key, rows = f"{profile}-funnel-table", [dict(row) for row in build_funnel_rows(funnel)]
    keyed = {f"{profile}-{name}": page for name, page in pages.items()}
    shown = _read_shown([*keyed, table_key])
    for name, (key, page) in zip(pages, keyed.items(), strict=True):
        if shown.get(key) != page:
            create_markdown_artifact(page, key=key, description=_DESCRIPTIONS[name])
    if shown.get(table_key) != json.dumps(rows):
        create_table_artifact(rows, key=table_key, description=f"Requests of {run_name}")
    get_run_logger().info("The run has %s artifacts", len(keyed) + 1)


def _read_shown(keys: list[str]) -> dict[str, object]:
    """Return what the flow run that we are in shows, by key: of several versions the last."""
    run_id = _find_flow_run()
    if run_id is None:
        return {}
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=keys)),
            flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run_id])),
            sort=ArtifactSort.UPDATED_DESC,
            limit=len(keys) * 4,
        )
    return {str(one.key): one.data for one in reversed(found)}


def _find_flow_run() -> UUID | None:
    return None if flow_run.id is None else UUID(str(flow_run.id))


def _update(artifact_id: UUID, content: object, description: str) -> None:
    """Change an artifact's content; unlike Prefect's own function, without an event that holds all of it again."""
    with get_client(sync_client=True) as client:
        client.request(
            "PATCH",
            "/artifacts/{id}",
            path_params={"id": artifact_id},
            json={"data": content, "description": description},
        )
