"""A small Batch API server for tests, independent of the simulator, that misbehaves on demand."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal, Self, cast
from urllib.parse import parse_qs, urlsplit

Fault = Literal[
    "ok", "lost", "500", "drop", "page", "hold_before", "hold_after", "refuse", "busy", "no_expiry", "revoked"
]
Json = dict[str, object]


@dataclass
class StoredFile:
    id: str
    name: str
    content: bytes
    purpose: str = "batch"
    fields: Json = field(default_factory=dict)


@dataclass
class Call:
    method: str
    path: str
    body: Json


class FakeProvider:
    """`batch_faults` and `upload_faults` are used up, one for each POST, in order; then all goes well.

    `download_gate` holds every download until as many have come as it has parties.

    `hold_before` and `hold_after` stop the request before or after it is carried out, set `held`, and drop the
    connection once `release` is set. `revoked` answers that the key is wrong, and takes only `new_key` from then on.
    """

    def __init__(self) -> None:
        self.files: dict[str, StoredFile] = {}
        self.batches: list[Json] = []
        self.calls: list[Call] = []
        self.headers: list[dict[str, str]] = []
        self.batch_faults: deque[Fault] = deque()
        self.upload_faults: deque[Fault] = deque()
        self.download_faults: deque[Fault] = deque()
        self.list_faults: deque[Fault] = deque()
        self.held, self.release = threading.Event(), threading.Event()
        self.n_hidden_lists = 0
        self.n_unknown_files = 0
        self.download_gate: threading.Barrier | None = None
        self.page_size = 100
        self.clock = time.time
        self.key, self.new_key = "sk-test-3f9c1b", "sk-test-82d07e"
        self.can_list = self.keeps_metadata = True
        self._lock = threading.Lock()
        self._n_ids = 0
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.provider = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.release.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def new_id(self, prefix: str) -> str:
        self._n_ids += 1
        return f"{prefix}_{self._n_ids:04d}"

    def bodies(self, method: str, path: str) -> list[Json]:
        return [call.body for call in self.calls if (call.method, call.path) == (method, path)]

    def live_batches(self) -> list[Json]:
        return [batch for batch in self.batches if batch["status"] not in {"cancelling", "cancelled"}]

    def store(self, content: bytes, *, name: str = "output.jsonl", purpose: str = "batch_output") -> str:
        with self._lock:
            file = StoredFile(self.new_id("file"), name, content, purpose)
            self.files[file.id] = file
            return file.id

    def create_batch(self, body: Json, **overrides: object) -> Json:
        with self._lock:
            batch: Json = {
                "id": self.new_id("batch"),
                "object": "batch",
                "endpoint": body["endpoint"],
                "input_file_id": body["input_file_id"],
                "completion_window": body["completion_window"],
                "status": "validating",
                "created_at": int(self.clock()),
                "request_counts": {"total": 0, "completed": 0, "failed": 0},
                "metadata": body.get("metadata") if self.keeps_metadata else None,
                "errors": None,
                **overrides,
            }
            self.batches.insert(0, batch)
            return batch

    def finish(
        self,
        batch_id: str,
        output: list[Json | bytes] | None = None,
        errors: list[Json | bytes] | None = None,
        status: str = "completed",
        **overrides: object,
    ) -> None:
        """End a batch with these rows in its files; `None` makes no file."""
        batch = next(batch for batch in self.batches if batch["id"] == batch_id)
        batch["status"] = status
        batch[f"{status.casefold()}_at"] = int(self.clock())
        batch["output_file_id"] = None if output is None else self.store(_write_rows(output))
        batch["error_file_id"] = None if errors is None else self.store(_write_rows(errors))
        batch.update(overrides)

    def requests_of(self, batch_id: str) -> list[Json]:
        batch = next(batch for batch in self.batches if batch["id"] == batch_id)
        content = self.files[str(batch["input_file_id"])].content
        return [json.loads(line) for line in content.splitlines()]


def _write_rows(rows: list[Json | bytes]) -> bytes:
    return b"".join((row if isinstance(row, bytes) else json.dumps(row).encode()) + b"\n" for row in rows)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    provider: FakeProvider

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing: a killed client is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    timeout = 20

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    @property
    def fake(self) -> FakeProvider:
        return cast(_Server, self.server).provider

    def do_GET(self) -> None:
        path, query = self._target()
        self.fake.calls.append(Call("GET", path, dict(query)))
        self.fake.headers.append({name.casefold(): value for name, value in self.headers.items()})
        if not self._has_key():
            return
        match path.strip("/").split("/"):
            case ["batches"] | ["files"] if not self.fake.can_list:
                self._refuse(405, "This cannot be listed.")
            case ["batches"]:
                self._list_batches(query)
            case ["batches", batch_id]:
                found = [batch for batch in self.fake.batches if batch["id"] == batch_id]
                self._send(200, found[0]) if found else self._refuse(404, f"No batch {batch_id}.")
            case ["files"]:
                files = [file for file in reversed(self.fake.files.values()) if file.purpose == "batch"]
                self._send_page([_describe(file) for file in files], query)
            case ["files", file_id]:
                self._describe_file(file_id)
            case ["files", file_id, "content"]:
                self._send_content(file_id)
            case _:
                self._refuse(404, f"No path {path}.")

    def do_POST(self) -> None:
        path, _ = self._target()
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding") == "chunked":
            raw = self._read_chunks()
        if not self._has_key():
            return
        match path.strip("/").split("/"):
            case ["batches"]:
                body = cast(Json, json.loads(raw))
                self.fake.calls.append(Call("POST", path, body))
                self._with_fault(self.fake.batch_faults, lambda: self.fake.create_batch(body))
            case ["batches", batch_id, "cancel"]:
                self.fake.calls.append(Call("POST", path, {}))
                batch = next(batch for batch in self.fake.batches if batch["id"] == batch_id)
                batch["status"] = "cancelling"
                self._send(200, batch)
            case ["files"]:
                fields, file = self._read_upload(raw)
                self.fake.calls.append(Call("POST", path, fields))
                self._with_fault(self.fake.upload_faults, lambda: self._store_upload(file), fields)
            case _:
                self._refuse(404, f"No path {path}.")

    def _has_key(self) -> bool:
        sent = self.headers.get("Authorization")
        if sent == f"Bearer {self.fake.key}":
            return True
        self._refuse(401, f"Incorrect API key provided: {sent}")
        return False

    def _with_fault(self, faults: deque[Fault], commit: object, fields: Json | None = None) -> None:
        fault = faults.popleft() if faults else "ok"
        run = cast("type[object]", commit)
        if fault == "no_expiry" and any(name.startswith("expires_after") for name in fields or {}):
            faults.appendleft("no_expiry")
            self._refuse(400, "Unknown field: expires_after")
        elif fault == "refuse":
            self._refuse(400, "No such thing is allowed.")
        elif fault == "revoked":
            self.fake.key = self.fake.new_key
            self._has_key()
        elif fault == "busy":
            self._refuse(429, "Slow down.")
        elif fault == "drop":
            self._hang_up()
        elif fault == "hold_before":
            self.fake.held.set()
            self.fake.release.wait(20)
            self._hang_up()
        else:
            answer = cast(Json, run())
            self._answer(fault, answer)

    def _answer(self, fault: Fault, answer: Json) -> None:
        if fault == "lost":
            self._hang_up()
        elif fault == "hold_after":
            self.fake.held.set()
            self.fake.release.wait(20)
            self._hang_up()
        elif fault == "500":
            self._refuse(500, "The server had an error.")
        elif fault == "page":
            self._send_bytes(200, b"<html>gateway</html>", "text/html")
        else:
            self._send(200, answer)

    def _list_batches(self, query: dict[str, str]) -> None:
        if self.fake.list_faults and self.fake.list_faults.popleft() == "500":
            self._refuse(500, "The server had an error.")
            return
        if self.fake.n_hidden_lists:
            self.fake.n_hidden_lists -= 1
            self._send_page([], query)
            return
        self._send_page(self.fake.batches, query)

    def _describe_file(self, file_id: str) -> None:
        if self.fake.n_unknown_files or file_id not in self.fake.files:
            self.fake.n_unknown_files = max(0, self.fake.n_unknown_files - 1)
            self._refuse(404, f"No such File object: {file_id}")
            return
        self._send(200, _describe(self.fake.files[file_id]))

    def _send_content(self, file_id: str) -> None:
        fault = self.fake.download_faults.popleft() if self.fake.download_faults else "ok"
        if file_id not in self.fake.files:
            self._refuse(404, f"No such File object: {file_id}")
            return
        content = self.fake.files[file_id].content
        if self.fake.download_gate is not None:
            self.fake.download_gate.wait(20)
        if fault == "lost":
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2])
            self._hang_up()
            return
        self._send_bytes(200, content, "application/octet-stream")

    def _store_upload(self, file: StoredFile) -> Json:
        with self.fake._lock:
            file.id = self.fake.new_id("file")
            self.fake.files[file.id] = file
        return _describe(file)

    def _read_upload(self, raw: bytes) -> tuple[Json, StoredFile]:
        header = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        fields: Json = {}
        file = StoredFile("", "", b"")
        for part in BytesParser(policy=HTTP).parsebytes(header + raw).iter_parts():
            content = cast(bytes, part.get_payload(decode=True))
            if part.get_filename():
                file.name, file.content = str(part.get_filename()), content
            else:
                fields[str(part.get_param("name", header="content-disposition"))] = content.decode()
        file.fields = fields
        return fields, file

    def _read_chunks(self) -> bytes:
        raw = b""
        while size := int(self.rfile.readline().strip(), 16):
            raw += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return raw

    def _target(self) -> tuple[str, dict[str, str]]:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        return parts.path.removeprefix("/v1"), query

    def _send_page(self, entries: list[Json], query: dict[str, str]) -> None:
        ids = [entry["id"] for entry in entries]
        start = ids.index(query["after"]) + 1 if query.get("after") in ids else 0
        page = entries[start : start + self.fake.page_size]
        has_more = start + self.fake.page_size < len(entries)
        self._send(200, {"object": "list", "data": page, "has_more": has_more})

    def _send(self, status: int, body: Json) -> None:
        self._send_bytes(status, json.dumps(body).encode(), "application/json")

    def _refuse(self, status: int, message: str) -> None:
        self._send(status, {"error": {"message": message, "type": "test", "code": None}})

    def _send_bytes(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def _hang_up(self) -> None:
        self.wfile.flush()
        self.close_connection = True
        self.connection.close()


def _describe(file: StoredFile) -> Json:
    return {
        "id": file.id,
        "object": "file",
        "bytes": len(file.content),
        "created_at": int(time.time()),
        "filename": file.name,
        "purpose": file.purpose,
        "status": "processed",
        **({"status": file.fields["status"]} if "status" in file.fields else {}),
    }
