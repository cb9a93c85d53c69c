"""Decides how a dataset repository is read and committed to, and what is said when the Hub refuses."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from datagen_core.dataset.card import RunFacts, SplitTotals
from datagen_core.dataset.features import COLUMNS
from datagen_core.dataset.parquet import Footer, open_shard, read_footer, read_ids
from datagen_core.errors import HubError

if TYPE_CHECKING:
    from huggingface_hub import HfApi, HfFileSystem

_STALE: Final = frozenset({409, 412})
_UNAUTHORISED: Final = 401


@dataclass(slots=True)
class Published:
    """What the repository holds at one commit; `head` is None where there is no repository."""

    head: str | None
    files: set[str] = field(default_factory=set[str])
    ids: set[str] = field(default_factory=set[str])
    splits: dict[str, SplitTotals] = field(default_factory=dict[str, SplitTotals])
    runs: list[RunFacts] = field(default_factory=list[RunFacts])

    def add(self, split: str, footer: Footer, size: int) -> None:
        """Count a shard in."""
        before = self.splits.get(split, SplitTotals(split, 0, 0, 0))
        self.splits[split] = SplitTotals(
            split, before.n_rows + footer.n_rows, before.n_bytes + footer.n_bytes, before.download_bytes + size
        )
        if footer.facts is not None:
            self.runs.append(RunFacts.model_validate_json(footer.facts))

    def ordered_splits(self) -> list[SplitTotals]:
        """Return the splits, `train` first."""
        return sorted(self.splits.values(), key=lambda split: (split.name != "train", split.name))


@dataclass(frozen=True, slots=True)
class Repository:
    """A dataset repository and the clients that read and write it."""

    repo_id: str
    endpoint: str
    token: str = field(repr=False)
    api: HfApi = field(repr=False)
    files: HfFileSystem = field(repr=False)

    @classmethod
    def connect(cls, repo_id: str, endpoint: str | None, token: str) -> Repository:
        """Import the client and point it to the endpoint (None: HF_ENDPOINT, else the public Hub); sends nothing yet.

        Xet is turned off: what it uploads goes past the endpoint.
        """
        from huggingface_hub import HfApi, HfFileSystem, constants
        from huggingface_hub.utils import disable_progress_bars

        constants.HF_HUB_DISABLE_XET = True
        disable_progress_bars()
        base = (endpoint or constants.ENDPOINT).rstrip("/")
        files = HfFileSystem(endpoint=base, token=token, skip_instance_cache=True)
        return cls(repo_id, base, token, HfApi(endpoint=base, token=token), files)

    def read_published(self, split: str, *, private: bool) -> Published:
        """Return what is published; without a repository, `head` is None.

        Reads the footers of all shards at the newest commit, and the ids of those of the split; no other column.

        Raises:
            HubError: the repository is public though `private` was asked for, or a shard has other columns than ours.
        """
        head = self._read_head(private=private)
        published = Published(head)
        if head is not None:
            with _explained(self, "reading what is published"):
                self._read_shards(published, head, split)
        return published

    def create(self, *, private: bool) -> None:
        """Create the repository, unless somebody else just did."""
        with _explained(self, "creating the repository"):
            self.api.create_repo(self.repo_id, repo_type="dataset", private=private, exist_ok=True)

    def commit(self, shard: Path, path: str, readme: str, message: str, parent: str) -> str | None:
        """Commit the shard and the card together; return the commit, or None where `parent` is no longer the newest."""
        from huggingface_hub import CommitOperationAdd
        from huggingface_hub.errors import HfHubHTTPError

        operations = [
            CommitOperationAdd(path_in_repo=path, path_or_fileobj=shard),
            CommitOperationAdd(path_in_repo="README.md", path_or_fileobj=readme.encode()),
        ]
        with _explained(self, "uploading"):
            try:
                info = self.api.create_commit(
                    self.repo_id, operations, commit_message=message, repo_type="dataset", parent_commit=parent
                )
            except HfHubHTTPError as error:
                if error.response.status_code in _STALE:
                    return None
                raise
        return info.oid

    def _read_head(self, *, private: bool) -> str | None:
        from huggingface_hub.errors import RepositoryNotFoundError

        with _explained(self, "looking the repository up"):
            try:
                info = self.api.dataset_info(self.repo_id)
            except RepositoryNotFoundError as error:
                if error.response.status_code == _UNAUTHORISED:
                    raise
                return None
        if private and not info.private:
            raise HubError(
                f"{self.repo_id} is public, and this push is private, so nothing was sent. "
                "Push with private off if everybody may read it, or choose another repository."
            )
        if info.sha is None:
            raise HubError(f"{self.repo_id} has no commit. Delete it on the Hub, then push again: it is made anew.")
        return info.sha

    def _read_shards(self, published: Published, head: str, split: str) -> None:
        from huggingface_hub.hf_api import RepoFile

        tree = self.api.list_repo_tree(self.repo_id, recursive=True, revision=head, repo_type="dataset")
        for entry in sorted((entry for entry in tree if isinstance(entry, RepoFile)), key=lambda file: file.path):
            published.files.add(entry.path)
            name = _split_of(entry.path)
            if name is None:
                continue
            path = f"datasets/{self.repo_id}@{head}/{entry.path}"
            with self.files.open(path, "rb", cache_type="none") as stream, open_shard(stream) as parquet:
                footer = read_footer(parquet)
                _check_columns(self.repo_id, entry.path, footer)
                published.add(name, footer, entry.size)
                if name == split:
                    published.ids.update(read_ids(parquet))


def _split_of(path: str) -> str | None:
    folder, _, name = path.rpartition("/")
    split, dash, _ = name.partition("-")
    return split if folder == "data" and dash and name.endswith(".parquet") else None


def _check_columns(repo_id: str, path: str, footer: Footer) -> None:
    if footer.columns != COLUMNS:
        raise HubError(
            f"{repo_id} holds {path} with the columns {', '.join(footer.columns)}, not {', '.join(COLUMNS)}: it is "
            "another dataset. Choose another repository, or move that file elsewhere."
        )


@contextmanager
def _explained(repo: Repository, action: str) -> Generator[None]:
    """Turn whatever the client raises into a HubError that says what to do next, without the token."""
    from httpx2 import HTTPError, InvalidURL

    try:
        yield
    except HubError:
        raise
    except (HTTPError, InvalidURL, OSError, RuntimeError, ValueError) as error:
        raise HubError(_explain(repo, action, error).replace(repo.token, "***")) from error


def _explain(repo: Repository, action: str, error: BaseException) -> str:
    """Say what happened while `action` and what to do. The HTTP answer may be the cause of what the client raised."""
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    if isinstance(error, OfflineModeIsEnabled):
        return "The Hub's client is in offline mode. Unset HF_HUB_OFFLINE, then push again."
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, HfHubHTTPError):
        cause = cause.__cause__
    if cause is not None:
        return _explain_status(repo, action, cause.response.status_code, cause.server_message)
    if isinstance(error, ValueError):
        return (
            f"{repo.repo_id} could not be pushed to while {action}: {error}. Look at the repository on the Hub; if it "
            "holds another dataset, choose another one."
        )
    return (
        f"The Hub at {repo.endpoint} cannot be reached while {action} ({type(error).__name__}). Check the network and "
        "HF_ENDPOINT, then push again: rows published already are left out."
    )


def _explain_status(repo: Repository, action: str, status: int, message: str | None) -> str:
    said = f" ({message.strip().rstrip('.')})" if message else ""
    start = f"The Hub answered {status} while {action}, repository {repo.repo_id}{said}."
    owner = repo.repo_id.partition("/")[0]
    if status == _UNAUTHORISED:
        return f"{start} It does not know the token: make one with write access, set it as HF_TOKEN, then push again."
    if status in {403, 404}:
        return f"{start} The token may not write there: use one with write access to {owner}, or another repository."
    if status == 429 or status >= 500:
        return f"{start} That should pass: push again in a few minutes; rows published already are left out."
    return f"{start} Correct that, then push again."
