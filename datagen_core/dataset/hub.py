"""Decides how a dataset reaches the Hub: one commit a push, rows added, none replaced, nothing public by accident."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from pydantic import BaseModel, ConfigDict

from datagen_core.dataset.card import CardFacts, RunFacts, render_card
from datagen_core.dataset.parquet import ShardContent, compare_shard, open_shard, read_footer, write_shard
from datagen_core.dataset.repository import Repository
from datagen_core.errors import HubError, InputFileError, OutputError

_MAX_ATTEMPTS: Final = 5
_REPO_ID: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_RUN_ID: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,127}", re.ASCII)
_SPLIT: Final = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)


class PushReport(BaseModel):
    """Where the dataset stands now: rows of the split after the push, and how many of them this push added.

    `skipped` counts rows of the file whose scenario was published before. With `added` 0 nothing was committed, and
    `commit` is the one found.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    commit: str
    rows: int
    added: int
    skipped: int


def push_dataset(
    dataset_path: Path,
    repo_id: str,
    *,
    private: bool = True,
    token: str | None,
    endpoint: str | None,
    card: CardFacts,
    split: str = "train",
    run_id: str,
) -> PushReport:
    """Add the rows of a `dataset.jsonl` that the Hub does not hold yet, in one commit together with the card.

    The repository is created where it is missing. A row is known by its scenario's id; no published file is changed
    except README.md. Another push in between is noticed (the commit names its parent) and the push is prepared anew.
    Safe to repeat: rows published already are left out. Memory holds one group of rows and the published ids.

    Raises:
        HubError: an argument is wrong, the Hub refuses or cannot be reached, a prepared row differs from the file, the
            repository holds something else, or it is public though `private` was asked for.
        InputFileError: the file is missing, empty, or a line is no record.
    """
    _check_arguments(repo_id, split, run_id, token)
    if not dataset_path.is_file():
        raise InputFileError(dataset_path, "is not there.", advice="Run `datagen` first, or name its dataset.jsonl.")
    repo = Repository.connect(repo_id, endpoint, cast(str, token))
    try:
        folder = tempfile.TemporaryDirectory(dir=dataset_path.parent, prefix=".push.")
    except OSError as error:
        raise OutputError(dataset_path.parent, error.strerror or str(error)) from error
    with folder as name:
        push = _Push(dataset_path, Path(name) / "shard.parquet", private, card, split, run_id)
        for _ in range(_MAX_ATTEMPTS):
            report = _try_push(repo, push)
            if report is not None:
                return report
    raise HubError(
        f"{repo_id} changed {_MAX_ATTEMPTS} times while this push was prepared, so nothing was added. "
        "Wait until the other pushes are done, then push again."
    )


@dataclass(frozen=True, slots=True)
class _Push:
    """What is asked for, and where the shard is prepared."""

    source: Path
    shard: Path
    private: bool
    card: CardFacts
    split: str
    run_id: str

    def describe(self, content: ShardContent) -> bytes:
        """Return the facts of this run as JSON, with the counts of the rows that it adds."""
        facts = RunFacts(
            run_id=self.run_id,
            split=self.split,
            n_rows=content.n_rows,
            kinds=dict(content.kinds),
            categories=dict(content.categories),
            provider=self.card.provider,
            model=self.card.model,
            simulated=self.card.simulated,
            seed=self.card.seed,
        )
        return facts.model_dump_json().encode()


def _try_push(repo: Repository, push: _Push) -> PushReport | None:
    """Prepare and commit once; None where somebody else committed meanwhile.

    A repository is created only for rows that are ready, so that a bad file leaves no empty one behind.
    """
    published = repo.read_published(push.split, private=push.private)
    known = published.ids
    url = f"{repo.endpoint}/datasets/{repo.repo_id}"
    content = write_shard(push.source, push.shard, known=known, describe=push.describe)
    if content.n_rows == 0:
        if published.head is None or content.n_known == 0:
            raise InputFileError(push.source, "holds no row.", advice="Push again when dialogues were accepted.")
        return PushReport(url=url, commit=published.head, rows=len(known), added=0, skipped=content.n_known)
    compare_shard(push.source, push.shard, known=known)
    if published.head is None:
        repo.create(private=push.private)
        published = repo.read_published(push.split, private=push.private)
    if published.head is None or published.ids != known:
        return None
    with open_shard(push.shard) as parquet:
        published.add(push.split, read_footer(parquet), push.shard.stat().st_size)
    readme = render_card(push.card, repo_id=repo.repo_id, splits=published.ordered_splits(), runs=published.runs)
    path = _choose_path(published.files, push.split, push.run_id)
    message = f"Add {content.n_rows} rows of {push.run_id}"
    commit = repo.commit(push.shard, path, readme, message, published.head)
    if commit is None:
        return None
    rows = published.splits[push.split].n_rows
    return PushReport(url=url, commit=commit, rows=rows, added=content.n_rows, skipped=content.n_known)


def _choose_path(taken: set[str], split: str, run_id: str) -> str:
    """Return a free path: a run that grew since its last push gets a second shard, and the first one stays."""
    path, number = f"data/{split}-{run_id}.parquet", 1
    while path in taken:
        number += 1
        path = f"data/{split}-{run_id}-{number}.parquet"
    return path


def _check_arguments(repo_id: str, split: str, run_id: str, token: str | None) -> None:
    if not _REPO_ID.fullmatch(repo_id):
        raise HubError(
            f"{repo_id!r} is no repository id. Expected owner/name of letters, digits, '-', '_' and '.', as in "
            "'my-team/delivery-dialogues'."
        )
    if not _SPLIT.fullmatch(split):
        raise HubError(f"{split!r} is no split. Use lower-case letters, digits and '_', as in 'train' or 'test'.")
    if not _RUN_ID.fullmatch(run_id):
        raise HubError(
            f"{run_id!r} cannot name a file on the Hub. Use letters, digits, '-', '_' and '.' in the run's id."
        )
    if not token:
        raise HubError("Pushing to the Hub needs a token with write access. Set HF_TOKEN, then push again.")
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise HubError("HF_TOKEN holds a space, a line break or a letter no token has. Copy the token again.")
