"""What a zip holds, unpacked once: the emulator unpacks a function's code anew for each process of the function."""

import hashlib
import tempfile
import threading
import zipfile
from pathlib import Path
from typing import Any

_UNPACKING = threading.Lock()


class UnpackedOnce(zipfile.ZipFile):
    """A zip that is unpacked once for all zips of equal contents: each folder has links to what lies on its top level.

    As on Lambda, nobody may write into it.
    """

    def extractall(self, path: Any = None, members: Any = None, pwd: Any = None) -> None:
        if members is not None or pwd is not None:
            super().extractall(path, members, pwd)
            return
        whole = _folder_of(Path(str(self.filename)))
        with _UNPACKING:
            if not whole.exists():
                draft = tempfile.mkdtemp(dir=whole.parent)
                super().extractall(draft)
                Path(draft).rename(whole)
        for entry in whole.iterdir():
            (Path(path) / entry.name).symlink_to(entry)


def _folder_of(archive: Path) -> Path:
    with archive.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    folder = Path(tempfile.gettempdir()) / "unpacked"
    folder.mkdir(exist_ok=True)
    return folder / digest
