"""What a zip holds, unpacked once: the emulator unpacks a function's code anew for each process of the function."""

import hashlib
import os
import shutil
import tempfile
import threading
import zipfile
from pathlib import Path
from typing import Any

_UNPACKING = threading.Lock()


class UnpackedOnce(zipfile.ZipFile):
    """A zip whose files are hard links, from the second time on that this process unpacks one of equal contents.

    As on Lambda, nobody may write into them.
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
        shutil.copytree(whole, path, copy_function=os.link, dirs_exist_ok=True)


def _folder_of(archive: Path) -> Path:
    with archive.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    folder = Path(tempfile.gettempdir()) / "unpacked"
    folder.mkdir(exist_ok=True)
    return folder / digest
