"""Decides how one request is put to a chat server, how often, and whether row or server is to blame for no answer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

import stamina

from datagen_core.batch.client import CONNECT_SECONDS, RequestRefused
from datagen_core.batch.transport import is_on_loopback, read_retry_after
from datagen_core.batch.wire import parse_json
from datagen_core.files import JsonObject

if TYPE_CHECKING:
    import httpx2

Kind = Literal["answer", "refusal", "failure", "down", "blocked"]

ATTEMPTS: Final = 4
WAIT_SECONDS: Final = 0.5
"""Before the second attempt; doubled, with jitter, before the next ones, unless the server says how long to wait."""
MAX_RETRY_AFTER: Final = 600.0
PROBE_SECONDS: Final = 10.0
_JSON: Final = {"Content-Type": "application/json"}
_DOWN: Final = frozenset({502, 503, 504})
"""A gateway without its server, and a server that loads its model."""
_BLOCKED: Final = frozenset({401, 403, 404, 405})
"""Answers about key, model or address, which every row of a batch would get: Ollama and vLLM give 404 for a model."""
_PASSING: Final = frozenset({408, 409, 425, 429})


@dataclass(frozen=True, slots=True)
class Reply:
    """What a request led to.

    `answer`: a completion. `refusal`: the server says that this request is wrong. `failure`: no answer after several
    attempts, though somebody listens. `down`: nobody listens, or the model is not loaded yet. `blocked`: the server
    refuses every request of the kind. `status` is 0 where no response came; `code` and `reason` say why, without the
    key.
    """

    kind: Kind
    status: int = 0
    body: JsonObject | None = None
    code: str = ""
    reason: str = ""
    retry_after: float | None = None


class _TryAgain(Exception):
    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.reason)
        self.reply = reply


@dataclass(frozen=True, slots=True)
class ChatServer:
    """An OpenAI-compatible server; `timeout` is how long one request may take, in seconds."""

    base_url: str
    api_key: str | None
    timeout: float
    concurrency: int

    def open(self) -> httpx2.AsyncClient:
        """Return a client, to be closed by the caller."""
        import httpx2

        return httpx2.AsyncClient(
            headers=self._headers,
            timeout=httpx2.Timeout(self.timeout, connect=min(self.timeout, CONNECT_SECONDS)),
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=self.concurrency),
            trust_env=not is_on_loopback(self.base_url),
        )

    def probe(self) -> None:
        """Return if somebody listens and takes the key, however busy.

        Raises:
            RequestRefused: nobody listens, or the key is refused.
        """
        import httpx2

        try:
            response = httpx2.get(
                f"{self.base_url}/models",
                headers=self._headers,
                timeout=PROBE_SECONDS,
                trust_env=not is_on_loopback(self.base_url),
            )
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
            message = f"Nobody answers at {self.base_url} ({self._redact(str(error))}). {self._advice}"
            raise RequestRefused(message, status=0) from None
        except httpx2.HTTPError:
            return
        if response.status_code in {401, 403}:
            raise RequestRefused(self.describe_block(response.status_code, ""), status=response.status_code)

    def describe_block(self, status: int, said: str) -> str:
        """Return what to tell a user whose every request is refused."""
        advice = {
            401: "Set DATAGEN_LOCAL_API_KEY to the key that it was started with.",
            403: "Set DATAGEN_LOCAL_API_KEY to the key that it was started with.",
            404: "Check DATAGEN_LOCAL_BASE_URL, and that the server has this --model and --endpoint.",
        }
        known = advice.get(status, "Check DATAGEN_LOCAL_BASE_URL.")
        quoted = f": {said}" if said else ""
        return f"{self.base_url} answers HTTP {status} to every request{quoted}. {known} What is done is kept."

    async def ask(self, client: httpx2.AsyncClient, form: str, body: JsonObject) -> Reply:
        """Put a request until there is an answer, at most four times; `form` is the last part of the URL."""
        asked = _adapt(form, body)
        try:
            async for attempt in stamina.retry_context(
                on=_choose_wait, attempts=ATTEMPTS, timeout=None, wait_initial=WAIT_SECONDS, wait_max=20.0
            ):
                with attempt:
                    reply = await self._ask_once(client, form, asked)
                    if reply.kind == "failure":
                        raise _TryAgain(reply)
                    return reply
        except _TryAgain as last:
            return last.reply
        raise AssertionError("the attempts end by a return or an exception")

    async def _ask_once(self, client: httpx2.AsyncClient, form: str, body: JsonObject) -> Reply:
        import httpx2

        try:
            response = await client.post(self.base_url + form, content=json.dumps(body).encode(), headers=_JSON)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.UnsupportedProtocol) as error:
            return Reply("down", reason=self._redact(f"{type(error).__name__}: {error}"))
        except httpx2.TimeoutException:
            return Reply("failure", code="timeout", reason=f"No answer within {self.timeout:.0f} s.")
        except httpx2.HTTPError as error:
            reason = self._redact(f"{type(error).__name__}: {error}")
            return Reply("failure", code="server_error", reason=f"The connection broke ({reason}).")
        return self._read(response)

    def _read(self, response: httpx2.Response) -> Reply:
        status, retry_after = response.status_code, read_retry_after(response.headers)
        text = self._redact(response.content.decode("utf-8", "replace"))
        body = parse_json(text.encode())
        if status == 200:
            if body:
                return Reply("answer", status, body)
            return Reply("failure", code="server_error", reason=f"The answer is no JSON object: {text[:200]!r}.")
        said = body or {"error": {"message": text[:2_000]}}
        return Reply(_judge(status), status, said, reason=text[:300], retry_after=retry_after)

    @property
    def _headers(self) -> dict[str, str]:
        return {} if self.api_key is None else {"Authorization": f"Bearer {self.api_key}"}

    @property
    def _advice(self) -> str:
        return "Start your server, or set DATAGEN_LOCAL_BASE_URL to where it is, then run the same command again."

    def _redact(self, text: str) -> str:
        return text.replace(self.api_key, "***") if self.api_key else text


def _judge(status: int) -> Kind:
    if status in _DOWN:
        return "down"
    if status in _BLOCKED or status < 400:
        return "blocked"
    return "failure" if status >= 500 or status in _PASSING else "refusal"


def _choose_wait(error: Exception) -> bool | timedelta:
    # A time-out is not tried again at once: it has taken long enough.
    if not isinstance(error, _TryAgain) or error.reply.code == "timeout":
        return False
    retry_after = error.reply.retry_after
    return True if retry_after is None else timedelta(seconds=min(retry_after, MAX_RETRY_AFTER))


def _adapt(form: str, body: JsonObject) -> JsonObject:
    """Name the limit as older servers know it, too: Ollama ignores `max_completion_tokens` (ollama#7125)."""
    limit = body.get("max_completion_tokens")
    if form != "/chat/completions" or limit is None or "max_tokens" in body:
        return body
    return {**body, "max_tokens": limit}
