"""What the tests of batches share."""

from __future__ import annotations

import json
from pathlib import Path

from fake_provider import Json

from datagen_core.batch import Result
from datagen_core.files import iter_json_array

ENDPOINT = "/v1/chat/completions"


class FakeTime:
    """A clock that only moves when somebody sleeps."""

    def __init__(self, now: float = 1_790_000_000.0) -> None:
        self.now = now
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def make_request(custom_id: str, **changes: object) -> Json:
    body = {"model": "gpt-6-luna", "messages": [{"role": "user", "content": f"{custom_id} 대화를 써 줘"}]}
    return {"custom_id": custom_id, "method": "POST", "url": ENDPOINT, "body": body, **changes}


def make_row(custom_id: str, text: str | None = "네, 찾아볼게요.", **message: object) -> Json:
    """Return an output row with a chat answer; `finish_reason` may be given among the message's fields."""
    reason = message.pop("finish_reason", "stop")
    choice = {"index": 0, "finish_reason": reason, "message": {"role": "assistant", "content": text, **message}}
    usage = {"prompt_tokens": 20, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 5}}
    body = {"id": "c", "object": "chat.completion", "model": "gpt-6-luna-1", "choices": [choice], "usage": usage}
    return {"id": "r", "custom_id": custom_id, "response": {"status_code": 200, "body": body}, "error": None}


def make_error_row(custom_id: str, code: str, message: str = "…") -> Json:
    return {"id": "r", "custom_id": custom_id, "response": None, "error": {"code": code, "message": message}}


def read_results(path: Path) -> list[Result]:
    return [element for _, element in iter_json_array(path, advice="")]  # pyright: ignore[reportReturnType]


def read_lines(path: Path) -> list[Json]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
