"""What a file holds, found by its content and not by its name."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, cast

_GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_LOOKED_AT = 4096
# A statement begins with its own reference or its account, after SWIFT's header if that was kept.
_MT940_STARTS = (":20:", ":25:", ":28C:", ":60F:", ":61:", ":940:", "{1:F")


class UnreadableFile(Exception):
    """The file can't be read; the message says where and why."""


class Format(StrEnum):
    """What a file is; the value is its name in reports."""

    CSV = "CSV"
    MT940 = "MT940"
    CAMT = "CAMT"


def format_of(path: Path) -> Format:
    """Return the file's format; what is neither XML nor MT940 is taken for CSV. Raises UnreadableFile."""
    with opened(path) as file:
        start = file.read(_LOOKED_AT)
    if start.startswith(_ZIP):
        raise UnreadableFile(f"{path} is a ZIP archive: unpack it, and replay each file in it.")
    text = start.decode("utf-16" if start.startswith(_UTF_16) else "latin-1", errors="replace")
    text = text.removeprefix("ï»¿").lstrip("\ufeff\0 \t\r\n")
    if text.startswith("<"):
        return Format.CAMT
    if any(line.startswith(_MT940_STARTS) for line in text.splitlines()):
        return Format.MT940
    return Format.CSV


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open the file for reading, unpacked where it is gzip; errors of reading it are raised as UnreadableFile.

    A name that ends in .gz promises gzip: other content is an error then.
    """
    try:
        with path.open("rb") as packed:
            is_gzip = packed.read(len(_GZIP)) == _GZIP
            packed.seek(0)
            if is_gzip or path.suffix == ".gz":
                with gzip.open(packed) as unpacked:
                    yield cast(BinaryIO, unpacked)
            else:
                yield packed
    except OSError as error:
        raise UnreadableFile(f"{path}: {error.strerror or error}") from None
    except (EOFError, zlib.error) as error:
        raise UnreadableFile(f"{path}: {error}") from None
