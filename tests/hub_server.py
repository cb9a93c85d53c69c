"""A Hugging Face Hub on 127.0.0.1 for the tests: real commits, real LFS uploads, real refusals."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import socket
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Role = Literal["read", "write"]
Handler = Callable[[Request], Awaitable[Response]]
FIRST_FILE = ".gitattributes"


@dataclass(frozen=True)
class Blob:
    """A file's bytes, and whether the Hub holds it in LFS."""

    content: bytes
    is_lfs: bool

    @property
    def git_oid(self) -> str:
        return hashlib.sha1(b"blob %d\0" % len(self.content) + self.content).hexdigest()

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def etag(self) -> str:
        return self.sha256 if self.is_lfs else self.git_oid


@dataclass
class Repo:
    """A dataset repository: every commit with all its files, oldest first."""

    private: bool
    commits: dict[str, dict[str, Blob]] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)

    @property
    def head(self) -> str:
        return list(self.commits)[-1]

    @property
    def files(self) -> dict[str, Blob]:
        return self.commits[self.head]

    def commit(self, files: dict[str, Blob], message: str) -> str:
        tree = "".join(f"{path}{blob.sha256}" for path, blob in sorted(files.items()))
        oid = hashlib.sha1(f"{len(self.commits)}{message}{tree}".encode()).hexdigest()
        self.commits[oid] = files
        self.messages.append(message)
        return oid


class _Refusal(Exception):
    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        headers = {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {})
        self.response = JSONResponse({"error": message}, status_code=status, headers=headers)


class HubServer:
    """The Hub, as a context manager. `users` maps tokens to (user, role).

    `hold_commits` makes the next commits wait until that many stand at the door, so that they race.
    `fail` maps a part of a path to the statuses with which its next requests are answered.
    """

    def __init__(self, users: Mapping[str, tuple[str, Role]]) -> None:
        self.users = dict(users)
        self.reset()
        self._socket = socket.create_server(("127.0.0.1", 0))
        # asyncio sets this only on sockets that name TCP as their protocol; without it each answer waits 40 ms.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(self._build_app(), log_config=None, access_log=False, lifespan="off")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    def reset(self) -> None:
        """Forget everything but the users."""
        self.repos: dict[str, Repo] = {}
        self.lfs: dict[str, bytes] = {}
        self.requests: list[tuple[str, str]] = []
        self.n_bytes_served = 0
        self.hold_commits = 0
        self.fail: dict[str, list[int]] = {}
        self._waiting = 0
        self._released = asyncio.Event()

    def n_requests(self, method: str, part: str) -> int:
        """Count the requests of a method whose path contains `part`."""
        return sum(one == method and part in path for one, path in self.requests)

    def _build_app(self) -> Starlette:
        api = "/api/datasets/{namespace}/{name}"
        routes = [
            ("/api/whoami-v2", self._whoami, "GET"),
            ("/api/validate-yaml", self._validate_yaml, "POST"),
            ("/api/repos/create", self._create, "POST"),
            (api, self._info, "GET"),
            (api + "/revision/{revision}", self._info, "GET"),
            (api + "/preupload/{revision}", self._preupload, "POST"),
            (api + "/tree/{revision}", self._tree, "GET"),
            (api + "/tree/{revision}/{path:path}", self._tree, "GET"),
            (api + "/paths-info/{revision}", self._paths_info, "POST"),
            (api + "/commit/{revision}", self._commit, "POST"),
            ("/datasets/{namespace}/{name}.git/info/lfs/objects/batch", self._lfs_batch, "POST"),
            ("/lfs/verify", self._lfs_verify, "POST"),
            ("/lfs/{oid}", self._lfs_put, "PUT"),
            ("/datasets/{namespace}/{name}/resolve/{revision}/{path:path}", self._resolve, "GET"),
        ]
        return Starlette(
            routes=[Route(path, self._guarded(handler), methods=[method]) for path, handler, method in routes]
        )

    def _guarded(self, handler: Handler) -> Handler:
        async def run(request: Request) -> Response:
            self.requests.append((request.method, request.url.path))
            for part, statuses in self.fail.items():
                if part in request.url.path and statuses:
                    return JSONResponse({"error": "planted"}, status_code=statuses.pop(0))
            try:
                return await handler(request)
            except _Refusal as refusal:
                return refusal.response

        return run

    def _user(self, request: Request) -> tuple[str, Role] | None:
        header = request.headers.get("authorization")
        if header is None:
            return None
        user = self.users.get(header.removeprefix("Bearer "))
        if user is None:
            raise _Refusal(401, "Invalid credentials in Authorization header")
        return user

    def _repo(self, request: Request, *, write: bool = False) -> Repo:
        namespace, name = request.path_params["namespace"], request.path_params["name"]
        user, repo = self._user(request), self.repos.get(f"{namespace}/{name}")
        is_owner = user is not None and user[0] == namespace
        if repo is None or (repo.private and not is_owner):
            raise _Refusal(401 if user is None else 404, "Repository not found", "RepoNotFound")
        if write and not (is_owner and user is not None and user[1] == "write"):
            raise _Refusal(403, "Forbidden: you need write access to this repository")
        return repo

    def _files(self, request: Request) -> tuple[str, dict[str, Blob]]:
        repo, revision = self._repo(request), request.path_params["revision"]
        oid = repo.head if revision == "main" else revision
        if oid not in repo.commits:
            raise _Refusal(404, "Revision not found", "RevisionNotFound")
        return oid, repo.commits[oid]

    async def _whoami(self, request: Request) -> Response:
        user = self._user(request)
        if user is None:
            raise _Refusal(401, "No token")
        return JSONResponse({"type": "user", "name": user[0], "orgs": []})

    async def _validate_yaml(self, request: Request) -> Response:
        content = (await request.json())["content"]
        if not content.startswith("---\n"):
            return JSONResponse({"errors": [{"message": "no front matter"}]}, status_code=400)
        return JSONResponse({"errors": [], "warnings": []})

    async def _create(self, request: Request) -> Response:
        body, user = await request.json(), self._user(request)
        if user is None:
            raise _Refusal(401, "No token")
        namespace = body["organization"] or user[0]
        if user != (namespace, "write"):
            raise _Refusal(403, "You don't have the rights to create a dataset under this namespace")
        repo_id = f"{namespace}/{body['name']}"
        url = f"{self.url}/datasets/{repo_id}"
        if repo_id in self.repos:
            return JSONResponse({"error": "You already created this dataset repo", "url": url}, status_code=409)
        self.repos[repo_id] = Repo(private=body.get("visibility") == "private")
        self.repos[repo_id].commit({FIRST_FILE: Blob(b"*.parquet filter=lfs\n", False)}, "initial commit")
        return JSONResponse({"url": url, "name": repo_id})

    async def _info(self, request: Request) -> Response:
        repo = self._repo(request)
        request.path_params.setdefault("revision", "main")
        oid, files = self._files(request)
        repo_id = f"{request.path_params['namespace']}/{request.path_params['name']}"
        siblings = [{"rfilename": path} for path in files]
        return JSONResponse({"id": repo_id, "sha": oid, "private": repo.private, "siblings": siblings, "tags": []})

    async def _preupload(self, request: Request) -> Response:
        files = self._repo(request, write=True).files
        answer = []
        for wanted in (await request.json())["files"]:
            path = wanted["path"]
            mode = "lfs" if path.endswith(".parquet") else "regular"
            oid = files[path].etag if path in files else None
            answer.append({"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": oid})
        return JSONResponse({"files": answer})

    async def _lfs_batch(self, request: Request) -> Response:
        self._repo(request, write=True)
        objects = []
        for wanted in (await request.json())["objects"]:
            actions = {
                "upload": {"href": f"{self.url}/lfs/{wanted['oid']}"},
                "verify": {"href": f"{self.url}/lfs/verify"},
            }
            objects.append(wanted if wanted["oid"] in self.lfs else wanted | {"actions": actions})
        return JSONResponse({"transfer": "basic", "objects": objects})

    async def _lfs_put(self, request: Request) -> Response:
        content = await request.body()
        if hashlib.sha256(content).hexdigest() != request.path_params["oid"]:
            raise _Refusal(400, "The content is not what its name says")
        self.lfs[request.path_params["oid"]] = content
        return Response()

    async def _lfs_verify(self, request: Request) -> Response:
        wanted = await request.json()
        if len(self.lfs.get(wanted["oid"], b"")) != wanted["size"]:
            raise _Refusal(404, "Object not found")
        return JSONResponse({})

    async def _tree(self, request: Request) -> Response:
        _, files = self._files(request)
        folder = request.path_params.get("path", "").strip("/")
        prefix = f"{folder}/" if folder else ""
        entries = [_describe(path, blob) for path, blob in files.items() if path.startswith(prefix)]
        folders = {path.rpartition("/")[0] for path in files if path.startswith(prefix)} - {"", folder}
        if folder and not entries:
            raise _Refusal(404, "Entry not found", "EntryNotFound")
        if request.query_params.get("recursive", "").lower() != "true":
            entries = [entry for entry in entries if "/" not in str(entry["path"]).removeprefix(prefix)]
        return JSONResponse(
            [{"type": "directory", "path": name, "oid": "0" * 40} for name in sorted(folders)] + entries
        )

    async def _paths_info(self, request: Request) -> Response:
        _, files = self._files(request)
        is_json = request.headers["content-type"].startswith("application/json")
        wanted = (await request.json())["paths"] if is_json else _form_list(await request.body(), "paths")
        found = [_describe(path, files[path]) for path in wanted if path in files]
        folders = [path for path in wanted if any(other.startswith(f"{path}/") for other in files)]
        return JSONResponse(found + [{"type": "directory", "path": path, "oid": "0" * 40} for path in folders])

    async def _commit(self, request: Request) -> Response:
        repo = self._repo(request, write=True)
        lines = [json.loads(line) for line in (await request.body()).splitlines()]
        await self._wait_for_others()
        header = lines[0]["value"]
        if header.get("parentCommit", repo.head) != repo.head:
            raise _Refusal(412, "A commit has happened since. Please refresh and try again.")
        files = dict(repo.files)
        for line in lines[1:]:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = Blob(base64.b64decode(value["content"]), False)
            elif line["key"] == "lfsFile":
                files[value["path"]] = Blob(self.lfs[value["oid"]], True)
            else:
                files.pop(value["path"])
        oid = repo.commit(files, header["summary"])
        repo_id = f"{request.path_params['namespace']}/{request.path_params['name']}"
        return JSONResponse(
            {"success": True, "commitOid": oid, "commitUrl": f"{self.url}/datasets/{repo_id}/commit/{oid}"}
        )

    async def _wait_for_others(self) -> None:
        if self.hold_commits:
            self._waiting += 1
            if self._waiting >= self.hold_commits:
                self.hold_commits = 0
                self._released.set()
            await self._released.wait()

    async def _resolve(self, request: Request) -> Response:
        oid, files = self._files(request)
        blob = files.get(request.path_params["path"])
        if blob is None:
            raise _Refusal(404, "Entry not found", "EntryNotFound")
        headers = {"ETag": f'"{blob.etag}"', "X-Repo-Commit": oid, "Accept-Ranges": "bytes"}
        if blob.is_lfs:
            headers |= {"X-Linked-Etag": f'"{blob.etag}"', "X-Linked-Size": str(len(blob.content))}
        content, status = blob.content, 200
        wanted = request.headers.get("range", "").removeprefix("bytes=")
        if wanted:
            start, _, end = wanted.partition("-")
            last = min(int(end or len(content)), len(content) - 1)
            headers["Content-Range"] = f"bytes {start}-{last}/{len(content)}"
            content, status = content[int(start) : last + 1], 206
        if request.method == "GET":
            self.n_bytes_served += len(content)
        return Response(content, status_code=status, headers=headers, media_type="application/octet-stream")


def _describe(path: str, blob: Blob) -> dict[str, object]:
    entry: dict[str, object] = {"type": "file", "path": path, "size": len(blob.content), "oid": blob.git_oid}
    if blob.is_lfs:
        entry["lfs"] = {"oid": blob.sha256, "size": len(blob.content), "pointerSize": 130}
    return entry


def _form_list(body: bytes, name: str) -> list[str]:
    from urllib.parse import parse_qs

    return parse_qs(body.decode()).get(name, [])
