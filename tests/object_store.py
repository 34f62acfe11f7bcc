"""Object stores on loopback for tests, each in a process of its own, as a store is for the app: moto for S3, and gs_server.py,
through which the same is spoken to as Google's.

With USAGECOST_TEST_STORE, an s3://, gs:// or az:// URL, and that store's own settings in the environment, tests that want any store
use that one instead, and leave what they wrote below a new name.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection

import obstore.store
from obstore.store import ObjectStore

from tests.loopback import free_port, wait_until_it_listens

BUCKET = "traffic"
KEYS = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "tests-secret", "AWS_REGION": "us-east-1"}


@contextmanager
def s3_server(**environment: str) -> Iterator[str]:
    """Runs a server with an empty bucket and gives its URL."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until_it_listens(port)
        server = HTTPConnection("127.0.0.1", port)
        server.request("PUT", f"/{BUCKET}")
        assert server.getresponse().status == 200
        server.close()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@contextmanager
def gs_server(s3: str) -> Iterator[str]:
    """Runs a server that speaks as Google's store does, on the objects of an S3 server, and gives its URL."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "tests.gs_server", str(port), s3])
    try:
        wait_until_it_listens(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def s3_settings(server: str) -> dict[str, str]:
    """The environment in which lakes on an S3 server are found."""
    return {**KEYS, "AWS_ENDPOINT_URL": server}


def gs_settings(server: str) -> dict[str, str]:
    """The environment in which lakes on a server that speaks as Google's store does are found."""
    key = {"gcs_base_url": server, "disable_oauth": True, "client_email": "", "private_key": "", "private_key_id": ""}
    return {"GOOGLE_SERVICE_ACCOUNT_KEY": json.dumps(key), "GOOGLE_BASE_URL": server}


SETTINGS = {"s3": s3_settings, "gs": gs_settings}


def store_of(lake: str) -> ObjectStore:
    """The objects below a lake's URL."""
    return obstore.store.from_url(lake, client_options={"allow_http": True})


def objects(lake: str) -> list[str]:
    """The names of all objects below a lake's URL."""
    return sorted(found["path"] for chunk in obstore.list(store_of(lake)) for found in chunk)
