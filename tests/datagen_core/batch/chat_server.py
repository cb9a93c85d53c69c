"""A small chat server for tests, which answers, refuses, breaks or holds a request by what its last message says."""

from __future__ import annotations

import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal, Self, cast

Json = dict[str, object]
Behaviour = Literal["ok", "400", "500", "503", "429", "404", "drop", "page", "hold", "echo", "surrogate", "bytes"]


class ChatServer:
    """`behaviours` says, by prompt, what to do with a request, in turn and the last for ever; others are answered.

    `default` is for all prompts without one. A request on `hold` waits for `release`. `asked` counts the requests by
    prompt, `most` is how many were under way at one time, and `bodies` holds what came.
    """

    def __init__(self, port: int = 0) -> None:
        self.behaviours: dict[str, list[Behaviour]] = {}
        self.default: Behaviour = "ok"
        self.asked: Counter[str] = Counter()
        self.bodies: list[tuple[str, Json]] = []
        self.keys: set[str | None] = set()
        self.release, self.holding = threading.Event(), threading.Event()
        self.n_now = self.most = 0
        self.lock = threading.Lock()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.chat = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def stop(self) -> None:
        self.release.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()

    def choose(self, prompt: str) -> Behaviour:
        queue = self.behaviours.get(prompt)
        if not queue:
            return self.default
        return queue.pop(0) if len(queue) > 1 else queue[0]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    chat: ChatServer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def chat(self) -> ChatServer:
        return cast(_Server, self.server).chat

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self.chat.keys.add(self.headers.get("Authorization"))
        self._send(200, b'{"object": "list", "data": []}')

    def do_POST(self) -> None:
        body = cast(Json, json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        prompt = _read_prompt(body)
        chat = self.chat
        with chat.lock:
            chat.keys.add(self.headers.get("Authorization"))
            chat.asked[prompt] += 1
            chat.bodies.append((self.path, body))
            chat.n_now += 1
            chat.most = max(chat.most, chat.n_now)
            behaviour = chat.choose(prompt)
        try:
            self._behave(behaviour, prompt, body)
        finally:
            with chat.lock:
                chat.n_now -= 1

    def _behave(self, behaviour: Behaviour, prompt: str, body: Json) -> None:
        if behaviour == "hold":
            self.chat.holding.set()
            self.chat.release.wait(60)
            behaviour = "ok"
        if behaviour == "drop":
            self.close_connection = True
            self.connection.close()
        elif behaviour == "page":
            self._send(200, b"<html>gateway</html>")
        elif behaviour == "echo":
            self._send(400, json.dumps({"error": {"message": str(self.headers)}}).encode())
        elif behaviour == "surrogate":
            self._send(200, self._answer("\ud83c", body))
        elif behaviour == "bytes":
            self._send(200, self._answer("?", body).replace(b'"?"', b'"\xff\xfe"'))
        elif behaviour.isdecimal():
            said = {"error": {"message": f"no, {behaviour}", "code": int(behaviour)}}
            self._send(int(behaviour), json.dumps(said).encode(), {"Retry-After": "0"} if behaviour == "429" else {})
        else:
            self._send(200, self._answer(f"답: {prompt}", body))

    def _answer(self, text: str, body: Json) -> bytes:
        if self.path.endswith("/responses"):
            part = {"type": "output_text", "text": text}
            answer: Json = {"output": [{"type": "message", "content": [part]}], "status": "completed"}
        else:
            message = {"role": "assistant", "content": text}
            answer = {"choices": [{"index": 0, "finish_reason": "stop", "message": message}]}
        usage = {"prompt_tokens": 3, "completion_tokens": 2}
        return json.dumps({"model": body["model"], **answer, "usage": usage}).encode()

    def _send(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)
        except OSError:  # the client has hung up
            self.close_connection = True


def _read_prompt(body: Json) -> str:
    messages = cast(list[Json], body.get("messages") or body.get("input"))
    return str(messages[-1]["content"])
