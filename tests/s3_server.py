"""An S3 store on 127.0.0.1 for the tests: moto's, over real HTTP, which counts its requests and fails on demand."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterable
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import boto3
from moto.moto_api._internal.models import moto_api_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from s3fs import S3FileSystem
from werkzeug.serving import make_server
from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class S3Server:
    """The store, as a context manager. One at a time in a process: moto keeps the buckets of all servers together.

    `environment` is what a process needs to find it. `fail` maps a method and a part of a path to the statuses with
    which its next requests are answered; `lose` to how many of them are obeyed, but answered as failed; `hold` to
    an event for which they wait first.
    """

    def __init__(self) -> None:
        self.requests: list[tuple[str, str]] = []
        self.fail: dict[tuple[str, str], list[int]] = {}
        self.lose: dict[tuple[str, str], int] = {}
        self.hold: dict[tuple[str, str], threading.Event] = {}
        self._app: WSGIApplication = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=MotoRequestHandler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.environment = {
            "AWS_ACCESS_KEY_ID": "datagen",
            "AWS_SECRET_ACCESS_KEY": "not-a-secret",
            "AWS_ENDPOINT_URL": self.url,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        moto_api_backend.reset()
        S3FileSystem.clear_instance_cache()  # one that was made for another server's environment
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        S3FileSystem.clear_instance_cache()

    @cached_property
    def client(self) -> Any:
        """A client of the store that shares nothing with the code under test."""
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            region_name=self.environment["AWS_DEFAULT_REGION"],
        )

    def make_bucket(self, name: str) -> str:
        """Make a bucket and return its URL."""
        self.client.create_bucket(Bucket=name)
        return f"s3://{name}"

    def empty(self, bucket: str) -> None:
        """Delete all objects of a bucket."""
        keys = [{"Key": key} for key in self.list_keys(bucket)]
        if keys:
            self.client.delete_objects(Bucket=bucket, Delete={"Objects": keys})

    def list_keys(self, bucket: str) -> list[str]:
        """Return the keys of a bucket's objects, sorted; of at most a thousand."""
        return [found["Key"] for found in self.client.list_objects_v2(Bucket=bucket).get("Contents", [])]

    def read(self, bucket: str, key: str) -> bytes:
        """Return an object's bytes."""
        return self.client.get_object(Bucket=bucket, Key=key)["Body"].read()

    def write(self, bucket: str, key: str, content: bytes) -> None:
        """Write an object behind everybody's back."""
        self.client.put_object(Bucket=bucket, Key=key, Body=content)

    def n_requests(self, method: str, part: str) -> int:
        """Count the requests of a method whose path contains `part`."""
        return sum(one == method and part in path for one, path in self.requests)

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"].encode("latin-1").decode()
        self.requests.append((method, path))
        for (held, part), event in self.hold.items():
            if held == method and part in path:
                event.wait()
        for (failing, part), statuses in self.fail.items():
            if failing == method and part in path and statuses:
                return Response("planted", status=statuses.pop(0))(environ, start_response)
        for (losing, part), count in self.lose.items():
            if losing == method and part in path and count:
                self.lose[losing, part] -= 1
                run_wsgi_app(self._app, environ)
                return Response("planted", status=500)(environ, start_response)
        return self._app(environ, start_response)
