"""Decides how many tokens a request has: all of what requests share are counted, on a sample what differs.

Prompts are counted in Qwen's tokens, by the part of its vocabulary that `estimate_tokens` loads, which is on the safe
side: 0.9 % more than by all of it for our requests. OpenAI's vocabulary o200k_base, which is not installed with us,
gives 8 % fewer than all of Qwen's (17 % for the Korean briefs, 11 % for the system texts; 3 % more for the schema).
Left out is what a provider adds when it writes a schema or tools into the prompt. Images and other parts that are no
text count by the length of their JSON, which is far too much.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, cast

import orjson

from datagen_core.batch.wire import as_object, describe_value
from datagen_core.files import JsonObject
from datagen_core.tokens import LONGEST_COUNTED, estimate_tokens

UNLIMITED_OUTPUT: Final = 128_000
"""Tokens that a model may write where the request sets no limit: what OpenAI's pages state for GPT-5 and later."""

FIRST_COUNTED: Final = 64
COUNTED_EVERY: Final = 61
"""Texts that differ from row to row: the first ones are tokenized, then one in so many; the rest go by their length.

Over 4,000 of our requests the sum of the prompts is 0.05 % off so, a prompt 2 %, a text of its own 8 %. All of them
would take 0.25 ms each, which is as long as everything else that is done with a request before it is sent.
"""
TOKENS_PER_CHARACTER: Final = 0.8
"""For a text that comes before any was tokenized, or is too long to be; 0.787 was measured on 4,000 of our requests."""

MESSAGE_TOKENS: Final = 4
"""Tokens around each message, and before the answer, by OpenAI's guide to counting tokens."""

MOST_SHARED: Final = 256
"""Different system texts and schemas that are remembered; ours has 19. What comes after counts like any other text."""

MOST_COUNT: Final = 10**9
"""A larger limit is a mistake in the file; the provider refuses it."""

_SHARED_ROLES: Final = ("system", "developer")
_LIMITS: Final = ("max_completion_tokens", "max_output_tokens", "max_tokens")


class RowTokens(NamedTuple):
    """Tokens of one request: its prompt, and what its answer may have at most."""

    prompt: int
    max_output: int


class TokenCounter:
    """Counts the tokens of a request file's rows, one after the other; same rows in the same order, same counts.

    `repeated` is how many tokens of the prompts so far stood in an earlier one too, as system text, schema or tools.
    """

    def __init__(self) -> None:
        self.repeated = 0
        self._shared: dict[str, int] = {}
        self._n_varying = self._characters = self._tokens = 0

    def count_row(self, row: JsonObject) -> RowTokens:
        """Return the tokens of a request line of either endpoint; what is of a wrong type counts by its length."""
        body = as_object(row.get("body"))
        instructions, given = body.get("instructions"), body.get("messages", body.get("input"))
        schema = body.get("response_format") or as_object(body.get("text")).get("format")
        messages = cast(list[object], given) if isinstance(given, list) else [given or ""]
        prompt = 0
        for part in (instructions, schema, body.get("tools")):
            if part:
                prompt += self._count_shared(_text_of(part))
        for message in messages:
            fields = as_object(message)
            count = self._count_shared if fields.get("role") in _SHARED_ROLES else self._count_varying
            prompt += MESSAGE_TOKENS
            for text in _find_texts(message, fields):
                prompt += count(text)
        around = MESSAGE_TOKENS if instructions is None else 2 * MESSAGE_TOKENS
        return RowTokens(prompt + around, _read_limit(body))

    def _count_shared(self, text: str) -> int:
        known = self._shared.get(text)
        if known is not None:
            self.repeated += known
            return known
        found = _tokenize(text) if len(self._shared) < MOST_SHARED else None
        if found is None:
            return self._count_varying(text)
        self._shared[text] = found
        return found

    def _count_varying(self, text: str) -> int:
        number, self._n_varying = self._n_varying, self._n_varying + 1
        is_sampled = number < FIRST_COUNTED or number % COUNTED_EVERY == 0
        found = _tokenize(text) if is_sampled else None
        if found is None:
            ratio = self._tokens / self._characters if self._characters else TOKENS_PER_CHARACTER
            return round(len(text) * ratio)
        self._characters += len(text)
        self._tokens += found
        return found


def has_schema(row: JsonObject) -> bool:
    """Tell whether a request line asks for structured output, as those for scripts do."""
    body = as_object(row.get("body"))
    return bool(body.get("response_format") or as_object(body.get("text")).get("format"))


def _tokenize(text: str) -> int | None:
    """Return a text's tokens, or None where it is too long for the tokenizer."""
    if len(text) > LONGEST_COUNTED:
        return None
    try:
        return estimate_tokens(text)
    except ValueError:
        return None


def _find_texts(message: object, fields: JsonObject) -> Sequence[str]:
    """Return what a message, which has `fields` if it is an object, says: its content, in parts or not, and calls."""
    if not isinstance(message, dict):
        return (_text_of(message),)
    content, calls = fields.get("content"), fields.get("tool_calls")
    if isinstance(content, str) and content and not calls:  # nearly always
        return (content,)
    parts = cast(list[object], content) if isinstance(content, list) else [content]
    texts = [text if isinstance(text := as_object(part).get("text"), str) else _text_of(part) for part in parts if part]
    return [*texts, _text_of(calls)] if calls else texts


def _text_of(value: object) -> str:
    """Return a text as it is, and anything else as JSON; what no JSON can hold, as Python shows it."""
    if isinstance(value, str):
        return value
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # half a surrogate pair, an integer beyond 64 bits, or nesting beyond 254 levels
        return describe_value(value)


def _read_limit(body: JsonObject) -> int:
    """Return what a request's answers may have together; a limit of a wrong type is none."""
    limits = [count for name in _LIMITS if name in body and (count := _read_count(body[name])) is not None]
    most = min(limits) if limits else UNLIMITED_OUTPUT
    return most * (_read_count(body["n"]) or 1) if "n" in body else most


def _read_count(value: object) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 < value <= MOST_COUNT else None
