"""Every error raised on purpose, as one tree.

    DatagenError
    ├── ConfigError            a setting, an option or a flow parameter is wrong
    │   └── MissingKeyError    the provider needs a key and none is set
    ├── InputFileError         a file is missing, unreadable, or a line of it is not what it should be
    ├── OutputError            a file could not be written (full disk, permission)
    ├── StorageError           a store behind a URL cannot be reached, refuses, or holds something else than expected
    │   └── LeaseLostError     another run may have taken over the remote folder that we held
    ├── PortTakenError         a server cannot listen on the port it was given
    ├── BatchError             anything about a batch at the provider
    │   ├── BatchNotReady      the batch has not ended yet; ask again later
    │   ├── BatchFailed        the provider refused the batch as a whole
    │   ├── LedgerError        the ledger belongs to another project, or is damaged
    │   └── SubmissionUnknown  the answer to a creation was lost; the next run looks it up
    ├── ProviderError          the provider cannot be reached or refuses the key
    ├── CostCapError           submitting more could cost more than the user allows
    ├── FolderInUseError       another process works on the same run
    ├── ShortfallError         the rounds ended with fewer dialogues than asked for
    ├── ApprovalError          a person was asked before the push, and did not approve
    └── HubError               the Hub refused, or holds something else than expected

What the LLM or the provider does wrong to a single request is never an exception: it is counted in the funnel.
"""

from __future__ import annotations

from pathlib import Path


class DatagenError(Exception):
    """Any error whose message is meant for the user: what was found, what was expected, what to do next."""

    def __reduce__(self) -> tuple[object, ...]:
        """Let an error travel from another process, whatever its constructor asks for."""
        return _restore, (type(self), self.args, self.__dict__)


class ConfigError(DatagenError):
    """A setting, an option or a flow parameter is wrong."""


class MissingKeyError(ConfigError):
    """The provider needs a key and none is set."""

    def __init__(self, variable: str, *, provider: str) -> None:
        super().__init__(
            f"Provider {provider!r} needs {variable}, which is set neither in the environment, nor in .env, nor in a "
            f"Prefect Secret block. Set {variable}, or use --provider simulator, which needs no key."
        )


class InputFileError(DatagenError):
    """A file is missing, unreadable, or a line of it is not what it should be."""

    def __init__(
        self,
        path: str | Path,
        problem: str,
        *,
        advice: str,
        line: int | None = None,
        column: int | None = None,
        field: str | None = None,
    ) -> None:
        where = str(path)
        if line is not None:
            where += f", line {line}"
        if column is not None:
            where += f", column {column}"
        if field is not None:
            where += f", field {field!r}"
        super().__init__(f"{where}: {problem} {advice}")
        self.path, self.line, self.column, self.field = str(path), line, column, field


class OutputError(DatagenError):
    """A file could not be written; whatever stood there before is untouched."""

    def __init__(self, path: str | Path, reason: str) -> None:
        is_full = "space" in reason or "quota" in reason
        advice = "Free some space" if is_full else "Choose another place, or see to its permissions"
        super().__init__(
            f"{path}: could not be written ({reason}). What stood there before is unchanged. "
            f"{advice}, then run the same command again."
        )


class StorageError(DatagenError):
    """A store behind a URL cannot be reached, refuses, or holds something else than expected."""

    def __init__(self, location: str | Path, problem: str, *, advice: str) -> None:
        super().__init__(f"{location}: {problem} {advice}")
        self.location = str(location)


class LeaseLostError(StorageError):
    """A remote folder is not ours alone any longer: another run may work in it."""

    def __init__(self, location: str, problem: str) -> None:
        super().__init__(
            location,
            f"the lease on this folder was lost, {problem}.",
            advice="Nothing more is written there. When no other run works in it, run the same command again.",
        )


class PortTakenError(DatagenError):
    """A server cannot listen on the port it was given."""

    def __init__(self, port: int) -> None:
        super().__init__(f"Port {port} on 127.0.0.1 is taken. Choose another with --port, or 0 for any free one.")


class BatchError(DatagenError):
    """Anything about a batch at the provider."""


class BatchNotReady(BatchError):
    """The batch has not ended yet; ask again later."""

    def __init__(self, batch_id: str, *, status: str, completed: int, total: int, advice: str = "") -> None:
        done = f"{completed} of {total} requests done" if total else "its requests are not counted yet"
        super().__init__(f"Batch {batch_id!r} is {status}: {done}. {advice}".rstrip())
        self.batch_id, self.status = batch_id, status


class BatchFailed(BatchError):
    """The provider refused the batch as a whole; nothing was billed.

    `is_queue_full` tells that only room was lacking: the same requests are taken when running batches have ended.
    """

    is_queue_full = False


class LedgerError(BatchError):
    """The ledger belongs to another project or base URL, or is damaged."""


class SubmissionUnknown(BatchError):
    """The answer to a creation was lost; the next run looks the batch up before it creates anything."""


class ProviderError(DatagenError):
    """The provider cannot be reached, or refuses the key."""


class SecretsUnreachableError(ProviderError):
    """Where keys are kept cannot be asked for one; it may be back in a moment."""


class CostCapError(DatagenError):
    """Submitting more could cost more than the user allows; nothing of it was submitted.

    `n_submitted` is how many shards of the same round were submitted before.
    """

    n_submitted = 0


class FolderInUseError(DatagenError):
    """Another process works on the same run's folder."""

    def __init__(self, folder: str | Path, *, holder: str) -> None:
        super().__init__(
            f"{folder} is in use by another run ({holder}). Wait until it ends or stop it; two runs at once need two "
            "folders."
        )
        self.holder = holder


class ShortfallError(DatagenError):
    """The rounds ended with fewer dialogues than asked for."""


class ApprovalError(DatagenError):
    """A person was asked before the push, and did not approve, or did not answer in time."""


class OperationError(DatagenError):
    """The server, the worker or a deployment could not be started, or ended by itself."""


class HubError(DatagenError):
    """The Hub refused, or holds something else than expected."""


def _restore(kind: type[DatagenError], args: tuple[object, ...], state: dict[str, object]) -> DatagenError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error
