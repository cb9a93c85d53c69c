"""Holds every request that comes to a simulator against OpenAI's own specification.

Give one to `SimulatorServer(..., inspect=ContractDoor())` and, at the end, look at `server.objections`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from email.parser import BytesParser
from email.policy import HTTP
from functools import cache
from pathlib import Path
from typing import NamedTuple, cast
from urllib.parse import parse_qsl, urlsplit

import jsonschema_rs
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming
from pydantic import TypeAdapter, ValidationError

Json = dict[str, object]

CONTRACT = Path(__file__).parent / "openai-batch-contract.json"
CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"
MAX_ROWS, MAX_FILE_BYTES = 50_000, 200_000_000


class Call(NamedTuple):
    """One endpoint of the API; `query` says which parameters it takes, and what each may be."""

    method: str
    path: str
    query: Mapping[str, str] = {}


PAGE = {"after": r".+", "limit": r"[1-9][0-9]?|100"}
CALLS = {
    "upload": Call("POST", "/v1/files"),
    "list files": Call(
        "GET",
        "/v1/files",
        {**PAGE, "limit": r"[1-9][0-9]{0,3}|10000", "order": "asc|desc", "purpose": "batch|batch_output"},
    ),
    "look at file": Call("GET", "/v1/files/[^/]+"),
    "delete file": Call("DELETE", "/v1/files/[^/]+"),
    "download": Call("GET", "/v1/files/[^/]+/content"),
    "create": Call("POST", "/v1/batches"),
    "list batches": Call("GET", "/v1/batches", PAGE),
    "look at batch": Call("GET", "/v1/batches/[^/]+"),
    "cancel": Call("POST", "/v1/batches/[^/]+/cancel"),
    "models": Call("GET", "/v1/models"),
    "chat": Call("POST", CHAT),
    "responses": Call("POST", RESPONSES),
}


class ContractDoor:
    """Objects, by an AssertionError, to a request that OpenAI's specification does not allow; counts what it let in.

    What the specification leaves to prose is checked too: no unknown keys, metadata's limits, one model a file,
    custom ids unique. Validating a row takes about a millisecond.
    """

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()

    def __call__(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> None:
        parts = urlsplit(target)
        name = next((n for n, c in CALLS.items() if c.method == method and re.fullmatch(c.path, parts.path)), None)
        assert name is not None, f"there is no {method} {parts.path}"
        assert re.fullmatch(r"Bearer \S+", headers.get("authorization", "")), "no bearer token"
        _check_query(CALLS[name].query, parts.query)
        if name == "upload":
            check_upload(headers.get("content-type", ""), body)
        elif name in {"create", "chat", "responses"}:
            assert headers.get("content-type") == "application/json", f"content type {headers.get('content-type')!r}"
            document = json.loads(body)
            check_creation(document) if name == "create" else check_body(CALLS[name].path, document)
        else:
            assert body in {b"", b"{}"}, f"a body of {len(body)} bytes where none is taken"
        self.seen[name] += 1


def check_creation(document: object) -> None:
    """Check the body that creates a batch."""
    check("CreateBatchRequest", document)
    created = cast(Json, document)
    _check_keys("CreateBatchRequest", created)
    metadata = cast("dict[str, str]", created.get("metadata") or {})
    assert len(metadata) <= 16, f"{len(metadata)} pairs of metadata"
    for key, value in metadata.items():
        assert len(key) <= 64, f"a metadata key of {len(key)} characters"
        assert len(value) <= 512, f"metadata {key!r} of {len(value)} characters"


def check_upload(content_type: str, form: bytes) -> None:
    """Check an upload: the form's fields, then each line of the file."""
    header = f"Content-Type: {content_type}\r\n\r\n".encode()
    fields: Json = {}
    expiry: Json = {}
    content = b""
    for part in BytesParser(policy=HTTP).parsebytes(header + form).iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        value = cast(bytes, part.get_payload(decode=True))
        if name == "file":
            assert part.get_filename(), "the file has no name"
            content, fields["file"] = value, ""
        elif match := re.fullmatch(r"expires_after\[(\w+)\]", name):
            text = value.decode()
            expiry[match[1]] = int(text) if text.isdecimal() else text
        else:
            fields[name] = value.decode()
    check("CreateFileRequest", {**fields, **({"expires_after": expiry} if expiry else {})})
    if fields["purpose"] == "batch":
        check_input_file(content)


def check_input_file(content: bytes) -> None:
    """Check an input file of a batch."""
    assert len(content) <= MAX_FILE_BYTES, f"a file of {len(content)} bytes"
    lines = content.splitlines()
    assert 0 < len(lines) <= MAX_ROWS, f"{len(lines)} lines"
    custom_ids: set[str] = set()
    kinds: set[tuple[object, object]] = set()
    for number, line in enumerate(lines, 1):
        row = json.loads(line)
        assert set(row) == {"custom_id", "method", "url", "body"}, f"line {number} has {sorted(row)}"
        assert isinstance(row["custom_id"], str), f"line {number}: custom_id"
        assert row["custom_id"] not in custom_ids, f"line {number}: {row['custom_id']!r} again"
        custom_ids.add(row["custom_id"])
        assert row["method"] == "POST", f"line {number}: method {row['method']!r}"
        check_body(row["url"], row["body"])
        kinds.add((row["url"], row["body"]["model"]))
    assert len(kinds) == 1, f"a file of {sorted(map(str, kinds))}"


def check_body(url: object, body: object) -> None:
    """Check the body of one request; the contract has no schema of a response's, the SDK's own types stand in."""
    assert url in {CHAT, RESPONSES}, f"url {url!r}"
    if url == CHAT:
        check("CreateChatCompletionRequest", body)
        _check_keys("CreateChatCompletionRequest", cast(Json, body))
        return
    try:
        _response_adapter().validate_python(body)
    except ValidationError as error:
        raise AssertionError(f"response: {error}") from error
    unknown = cast(Json, body).keys() - ResponseCreateParamsNonStreaming.__annotations__.keys()
    assert not unknown, f"response: unknown keys {sorted(unknown)}"
    check("CreateModelResponseProperties", body)


def check(schema: str, document: object) -> None:
    """Check a document against one of the contract's schemas."""
    errors = [f"{list(error.instance_path)}: {error.message}" for error in _validator(schema).iter_errors(document)]
    assert not errors, f"{schema}: {errors[:3]}"


def _check_query(allowed: Mapping[str, str], query: str) -> None:
    for name, value in parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)):
        assert name in allowed, f"unknown query parameter {name!r}"
        assert re.fullmatch(allowed[name], value), f"query parameter {name}={value!r}"


def _check_keys(schema: str, document: Json) -> None:
    unknown = document.keys() - _known_keys(schema)
    assert not unknown, f"{schema}: unknown keys {sorted(unknown)}"


@cache
def _known_keys(schema: str) -> frozenset[str]:
    parts = [_contract()["schemas"][schema]]
    known: set[str] = set()
    while parts:
        part = parts.pop()
        known |= set(part.get("properties", {}))
        parts += part.get("allOf", [])
        if "$ref" in part:
            parts.append(_contract()["schemas"][part["$ref"].rpartition("/")[2]])
    return frozenset(known)


@cache
def _validator(schema: str) -> jsonschema_rs.Draft202012Validator:
    root = {"$ref": f"#/components/schemas/{schema}", "components": _contract()}
    return jsonschema_rs.Draft202012Validator(root)


@cache
def _response_adapter() -> TypeAdapter[ResponseCreateParamsNonStreaming]:
    return TypeAdapter(ResponseCreateParamsNonStreaming)


@cache
def _contract() -> dict[str, dict[str, dict[str, dict[str, object]]]]:
    return json.loads(CONTRACT.read_text(encoding="utf-8"))["components"]
