"""A state folder with the server now running on it, a writer that never tires, and the SDK to drive them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from openai import OpenAI
from openai.types import Batch

from datagen_core.simulator import Answer, SimulatorServer, SimulatorSettings, Writer

FAST = SimulatorSettings(pace_seconds=0)
ENDED = {"completed", "failed", "expired", "cancelled"}
PREFIX = "당신은 배달 앱 상담사입니다. " * 20


class EchoWriter:
    """Repeats the custom id; ids that say so raise, refuse, break Unicode or are planted."""

    def answer(self, custom_id: str, body: Mapping[str, object]) -> Answer:
        if custom_id.startswith("boom"):
            raise ValueError("no answer for this one")
        if custom_id.startswith("surrogate"):
            return Answer("\ud800")
        if custom_id.startswith("refuse"):
            return Answer("", refusal="그건 도와드릴 수 없어요.")
        if custom_id.startswith("planted"):
            return Answer("틀린 답", planted="wrong_total")
        return Answer(f"답 {custom_id}", finish_reason="length" if custom_id.startswith("long") else "stop")


def make_row(name: str, **changes: object) -> dict[str, object]:
    messages = [{"role": "system", "content": PREFIX}, {"role": "user", "content": f"질문 {name}"}]
    body = {"model": "gpt-6-luna", "messages": messages}
    return {"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": body, **changes}


def make_input(rows: Sequence[Mapping[str, object]] | int) -> bytes:
    numbered = [make_row(f"row-{n:04d}") for n in range(rows)] if isinstance(rows, int) else rows
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in numbered)


@dataclass
class Driver:
    """One state folder, the server now running on it, and a client of it."""

    state: Path
    writer: Writer = field(default_factory=EchoWriter)
    server: SimulatorServer | None = None
    _clients: list[OpenAI] = field(default_factory=list)

    def start(self, settings: SimulatorSettings = FAST, **options: object) -> OpenAI:
        self.server = SimulatorServer(self.state, self.writer, settings, **options)  # pyright: ignore[reportArgumentType]
        self.server.start()
        client = OpenAI(base_url=self.server.base_url, api_key="any", max_retries=0, timeout=30)
        self._clients.append(client)
        return client

    def stop(self) -> None:
        if self.server is not None:
            self.server.stop()
        while self._clients:
            self._clients.pop().close()

    def submit(self, client: OpenAI, content: bytes, **options: object) -> Batch:
        file = client.files.create(file=("input.jsonl", content), purpose="batch")
        return client.batches.create(
            input_file_id=file.id,
            endpoint="/v1/chat/completions",
            completion_window="24h",
            **options,  # pyright: ignore[reportArgumentType]
        )

    def wait(self, client: OpenAI, batch_id: str, done: Callable[[Batch], bool] = lambda b: b.status in ENDED) -> Batch:
        deadline = time.monotonic() + 60
        while not done(batch := client.batches.retrieve(batch_id)):
            assert time.monotonic() < deadline, batch
            time.sleep(0.01)
        return batch

    def run(self, client: OpenAI, rows: Sequence[Mapping[str, object]] | int | bytes, **options: object) -> Batch:
        content = rows if isinstance(rows, bytes) else make_input(rows)
        return self.wait(client, self.submit(client, content, **options).id)

    def read(self, client: OpenAI, file_id: str | None) -> list[dict[str, object]]:
        """Return a result file's rows; no file, no rows."""
        if file_id is None:
            return []
        lines = client.files.content(file_id).content.decode().splitlines()
        return [cast(dict[str, object], json.loads(line)) for line in lines]

    def read_ids(self, client: OpenAI, file_id: str | None) -> list[object]:
        return [row["custom_id"] for row in self.read(client, file_id)]
