"""Decides how we speak to a Batch API server: what may be retried, what an answer means, and what an error says."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar, cast

import stamina

from datagen_core.batch.models import BatchStatus, ProviderFile
from datagen_core.batch.poll import read_window
from datagen_core.batch.profiles import PROFILES, USUAL_WINDOW, ProviderProfile
from datagen_core.batch.transport import make_transport, read_retry_after
from datagen_core.batch.wire import iter_pages, parse_batch, parse_file, parse_json
from datagen_core.errors import ConfigError, ProviderError
from datagen_core.files import replace_file

if TYPE_CHECKING:
    from openai import APIStatusError, OpenAI

_T = TypeVar("_T")

CONNECT_SECONDS = 10.0
UPLOAD_SECONDS = 600.0
READ_RETRIES = 4
PAGE_SIZE = 100
NOT_OFFERED = 501
"""The status, `Not Implemented`, that stands for what a profile says the provider does not have."""
_OPENAI = PROFILES["openai"]
_UNDECIDED = frozenset({408, 409})
"""Client errors after which the request may still have been carried out: time-out and conflict."""


class RequestRefused(ProviderError):
    """The provider answered no: nothing was created. `status` is the HTTP status, 0 where it was never reached.

    `retry_after` is how many seconds the provider asks to wait, where it says so.
    """

    def __init__(self, message: str, *, status: int, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status, self.retry_after = status, retry_after

    @property
    def is_final(self) -> bool:
        """Tell whether asking again is of no use: not so where the server was out of reach, busy or in trouble."""
        return 400 <= self.status < 500 and self.status not in {408, 409, 425, 429}


class AnswerLost(ProviderError):
    """No usable answer came: what was asked for may or may not have been done.

    `retry_after` is how many seconds the provider asks to wait, where it says so.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class BatchClient:
    """A Batch API server seen through the official SDK.

    `identity` names the project at the provider and stays the same when the base URL of an embedded server changes: a
    ledger is bound to it. `organization` and `project` are OpenAI's; without them the SDK takes them from the
    environment. `profile` says in what the provider differs from OpenAI: what is asked for is changed to what it takes.
    Creating calls are sent exactly once, reading calls are retried, after as long as the provider asks for up to two
    minutes (openai 3.54, `MAX_RETRY_AFTER_DELAY`); a longer wait is the caller's. No error, log or representation
    contains the key.

    Raises:
        ConfigError: the key cannot be sent in a header.
    """

    def __init__(
        self,
        base_url: str | None,
        api_key: str,
        identity: str,
        *,
        organization: str | None = None,
        project: str | None = None,
        profile: ProviderProfile = _OPENAI,
        timeout: float = 60,
        read_retries: int = READ_RETRIES,
    ) -> None:
        import openai

        self.identity = identity
        self.profile = profile
        self.timeout = timeout
        self._key = api_key.strip()
        if not self._key.isascii() or not self._key.isprintable() or not self._key:
            raise ConfigError("The API key is empty or holds characters that no key has. Copy it again.")
        limits = openai.Timeout(timeout, connect=min(timeout, CONNECT_SECONDS))
        self._reading: OpenAI = openai.OpenAI(
            base_url=base_url,
            api_key=self._key,
            organization=organization,
            project=project,
            timeout=limits,
            max_retries=read_retries,
            http_client=make_transport(base_url),
        )
        # The SDK posts again after a lost answer, without an idempotency key: two batches are paid for instead of one.
        self._creating: OpenAI = self._reading.with_options(max_retries=0)
        self.base_url = str(self._reading.base_url).rstrip("/")

    def __repr__(self) -> str:
        return f"BatchClient({self.base_url!r}, identity={self.identity!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._reading.close()

    @property
    def in_flight_seconds(self) -> float:
        """How long after it was sent a creating request may still reach the server."""
        return self.timeout + min(self.timeout, CONNECT_SECONDS)

    @property
    def window_seconds(self) -> float:
        """How long the provider may take over a batch."""
        return read_window(self.profile.completion_window)

    def upload_file(self, path: Path, name: str, *, expires_after: int | None) -> ProviderFile:
        """Upload a request file once, streamed from disk; `expires_after` is in seconds after creation.

        Raises:
            RequestRefused: the provider said no.
            AnswerLost: the file may or may not be there.
        """
        import openai

        # Time-outs count from one byte to the next, so this bounds the server's storing of the file, not the upload.
        patience = openai.Timeout(max(self.timeout, UPLOAD_SECONDS), connect=CONNECT_SECONDS)
        with path.open("rb") as stream, self._explained("uploading the request file"):
            response = self._creating.files.with_raw_response.create(
                file=(name, stream, "application/jsonl"),
                purpose="batch",
                timeout=patience,
                expires_after={"anchor": "created_at", "seconds": expires_after}
                if expires_after is not None and self.profile.has_file_expiry
                else openai.omit,
            )
            raw = response.content
        return _require(parse_file(parse_json(raw)), "uploading the request file")

    def create_batch(
        self, input_file_id: str, *, endpoint: str, completion_window: str, metadata: dict[str, str]
    ) -> BatchStatus:
        """Create a batch; sent exactly once. Endpoint and the usual window of 24 h become what the profile says.

        Raises:
            RequestRefused: the provider said no, or was never reached; there is no batch.
            AnswerLost: there may or may not be a batch.
        """
        is_usual = completion_window == USUAL_WINDOW
        body: dict[str, object] = {
            "input_file_id": input_file_id,
            "endpoint": self.profile.place_endpoint(endpoint),
            "completion_window": self.profile.completion_window if is_usual else completion_window,
        }
        if self.profile.has_metadata:
            body["metadata"] = metadata
        # The SDK's signature closes endpoint and window to OpenAI's own values; other servers have more.
        create = cast("Callable[..., _RawResponse]", self._creating.batches.with_raw_response.create)
        with self._explained("creating the batch"):
            raw = create(**body).content
        return _require(parse_batch(parse_json(raw)), "creating the batch")

    def fetch_batch(self, batch_id: str) -> BatchStatus:
        """Read a batch's state."""
        with self._explained(f"reading batch {batch_id}"):
            raw = self._reading.batches.with_raw_response.retrieve(batch_id).content
        return _require(parse_batch(parse_json(raw)), f"reading batch {batch_id}")

    def cancel_batch(self, batch_id: str) -> None:
        """Ask for a batch to be cancelled; what it has done by then stays paid for and readable."""
        self._require(self.profile.can_cancel, "cancel batches")
        with self._explained(f"cancelling batch {batch_id}"):
            self._reading.batches.with_raw_response.cancel(batch_id)

    def iter_batch_pages(self, *, max_pages: int) -> Iterator[list[BatchStatus]]:
        """Yield pages of at most 100 batches, newest first, until the end or `max_pages`."""
        import openai

        self._require(self.profile.can_list, "list batches")

        def fetch(after: str | None) -> bytes:
            with self._explained("listing batches"):
                return self._reading.batches.with_raw_response.list(limit=PAGE_SIZE, after=after or openai.omit).content

        for entries in iter_pages(fetch, max_pages):
            yield [batch for batch in map(parse_batch, entries) if batch is not None]

    def iter_file_pages(self, *, max_pages: int) -> Iterator[list[ProviderFile]]:
        """Yield pages of the request files, newest first, in the server's own page size."""
        import openai

        def fetch(after: str | None) -> bytes:
            with self._explained("listing files"):
                return self._reading.files.with_raw_response.list(purpose="batch", after=after or openai.omit).content

        for entries in iter_pages(fetch, max_pages):
            yield [file for file in map(parse_file, entries) if file is not None]

    def fetch_file(self, file_id: str) -> ProviderFile:
        """Read a file's description; `RequestRefused` with status 404 where the server does not know it (yet)."""
        with self._explained(f"reading file {file_id}"):
            raw = self._reading.files.with_raw_response.retrieve(file_id).content
        return _require(parse_file(parse_json(raw)), f"reading file {file_id}")

    def download_file(self, file_id: str, destination: Path) -> None:
        """Stream a file's content to `destination`, whole or not at all; a broken download is begun again, 3 times."""
        for attempt in stamina.retry_context(on=AnswerLost, attempts=3, timeout=None, wait_initial=0.2):
            with (
                attempt,
                replace_file(destination) as target,
                self._explained(f"downloading file {file_id}"),
                self._reading.files.with_streaming_response.content(file_id) as response,
            ):
                if "html" in response.headers.get("content-type", ""):  # as rows it would be answers paid for and lost
                    raise AnswerLost(f"A gateway's page came instead of file {file_id}. Run the same command again.")
                for block in response.iter_bytes(1 << 20):
                    target.write(block)

    def _require(self, is_offered: bool, what: str) -> None:
        if not is_offered:
            message = f"{self.base_url} cannot {what} (profile {self.profile.name!r})."
            raise RequestRefused(message, status=NOT_OFFERED)

    @contextmanager
    def _explained(self, doing: str) -> Generator[None]:
        """Turn the SDK's errors into ours. Their chain is dropped: it may quote the request's headers."""
        import httpx2
        import openai

        try:
            yield
        except openai.APIStatusError as error:
            raise self._explain_status(error, doing) from None
        except (openai.APIConnectionError, httpx2.HTTPError) as error:
            cause = error.__cause__ if isinstance(error, openai.APIConnectionError) and error.__cause__ else error
            reason = self._redact(f"{type(cause).__name__}: {cause}")
            message = (
                f"No answer from {self.base_url} while {doing} ({reason}). "
                "Check the network and the base URL, then run the same command again."
            )
            if isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.UnsupportedProtocol):
                raise RequestRefused(message, status=0) from None
            raise AnswerLost(message) from None

    def _explain_status(self, error: APIStatusError, doing: str) -> ProviderError:
        status = error.status_code
        if status == 401:
            return RequestRefused(
                f"{self.base_url} refused the key (HTTP 401) while {doing}. "
                "Check that the key is current and belongs to this provider.",
                status=status,
            )
        said = self._redact(error.message)[:500]
        message = f"{self.base_url} answered HTTP {status} while {doing}: {said} "
        retry_after = read_retry_after(error.response.headers)
        if status >= 500 or status in _UNDECIDED:
            return AnswerLost(
                message + "Run the same command again; nothing is created twice.", retry_after=retry_after
            )
        wait = "a minute" if retry_after is None else f"{retry_after:.0f} s"
        advice = {403: "Check that the key may use batches and files.", 429: f"Wait {wait}, then run it again."}
        message += advice.get(status, "Correct what it names, then run it again.")
        return RequestRefused(message, status=status, retry_after=retry_after)

    def _redact(self, text: str) -> str:
        return text.replace(self._key, "***")


class _RawResponse:
    content: bytes = b""


def _require(value: _T | None, doing: str) -> _T:
    if value is None:
        raise AnswerLost(f"The provider's answer while {doing} is not what the Batch API gives. Check the base URL.")
    return value
