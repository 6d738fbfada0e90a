"""The archive of a stage, read: which objects there are, and the lines of one."""

import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.aws.calls import error_code
from chalicelib.ledger.archive import SUFFIX
from infra.failures import CommandFailed

_NAME = re.compile(rf"-(\d+)-[0-9a-f]+{re.escape(SUFFIX)}\Z")
# The object was deleted after it was listed, or moved to a storage class from which it must be restored first.
_OUT_OF_REACH = ("NoSuchKey", "InvalidObjectState")


class UnreadableObject(CommandFailed):
    """An object of the archive can't be read. The message says which object, and why."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which objects to take: those of one bank or of all banks, of the days from `first` to `last`, both included."""

    bank: str | None = None
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True)
class ArchiveObject:
    """An object of the archive. `lines` is None when the name doesn't say it, because the archiver did not write it."""

    key: str
    bank: str
    size: int
    lines: int | None


class Archive:
    """Reads a stage's archive."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def objects(self, selection: Selection) -> Iterator[ArchiveObject]:
        """Yield the selected objects, by bank and then by day. The cost grows with them, not with the whole archive."""
        for bank in self.banks() if selection.bank is None else [selection.bank]:
            folder = f"bank={bank}/date="
            last_day = f"{folder}{selection.last or '9999-12-31'}"
            for entry in self._listed("Contents", Prefix=folder, StartAfter=f"{folder}{selection.first or ''}"):
                if entry["Key"][: len(last_day)] > last_day:
                    break
                if entry["Key"].endswith(SUFFIX):
                    yield _object(entry, bank)

    def lines(self, key: str) -> list[str]:
        """Return an object's lines; raises UnreadableObject."""
        try:
            content = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error_code(error) not in _OUT_OF_REACH:
                raise
            raise UnreadableObject(f"{key}: {error_code(error)}") from None
        try:
            return gzip.decompress(content).decode().removesuffix("\n").split("\n")
        except (EOFError, OSError, UnicodeDecodeError, zlib.error):
            raise UnreadableObject(f"{key}: no gzip of UTF-8 text, or incomplete") from None

    def banks(self) -> Iterator[str]:
        """Yield the banks that the archive has objects of."""
        for found in self._listed("CommonPrefixes", Prefix="bank=", Delimiter="/"):
            yield found["Prefix"].removeprefix("bank=").removesuffix("/")

    def _listed(self, what: str, **arguments: str) -> Iterator[Any]:
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, **arguments):
            yield from page.get(what, ())


def _object(entry: dict[str, Any], bank: str) -> ArchiveObject:
    named = _NAME.search(entry["Key"])
    return ArchiveObject(entry["Key"], bank, entry["Size"], int(named[1]) if named else None)
