"""The local cloud's processes: paused and let go on, stopped, and told apart from others."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_cloud import __main__ as command
from local_cloud import processes
from local_cloud.server import CloudFailed


class Standing:
    """Processes in the place of the local cloud's, which count in a file while they run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pids = {part: self._start(part, marker) for part, marker in processes.PROCESSES.items()}

    def _start(self, part: str, marker: str) -> int:
        script = f"import time\nwhile True:\n open({str(self.folder / part)!r}, 'a').write('x')\n time.sleep(0.01)"
        started = subprocess.Popen([sys.executable, "-c", script, marker], start_new_session=True)
        (self.folder / f"{part}.pid").write_text(str(started.pid))
        # Waited for at once: to who stops it, a process that nobody waits for looks as if it ran.
        threading.Thread(target=started.wait, daemon=True).start()
        self._started = [*getattr(self, "_started", []), started]
        return started.pid

    def is_counting(self) -> list[bool]:
        def counted() -> list[int]:
            return [(self.folder / part).stat().st_size if (self.folder / part).exists() else 0 for part in self.pids]

        before = counted()
        time.sleep(0.3)
        return [after > then for after, then in zip(counted(), before, strict=True)]

    def end(self) -> None:
        for started in self._started:
            started.kill()  # that ends a process which stands still, too
            started.wait()


@pytest.fixture
def standing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Standing]:
    folder, link = tmp_path / "cloud", tmp_path / "link"
    folder.mkdir()
    link.symlink_to(folder)
    monkeypatch.setattr(processes, "FOLDER", link)
    monkeypatch.setattr(processes, "STACK_FILE", tmp_path / "stack.json")
    (tmp_path / "stack.json").write_text("{}")
    found = Standing(folder)
    time.sleep(0.5)
    yield found
    found.end()


def test_a_paused_cloud_stands_still_until_it_goes_on_and_loses_nothing(standing: Standing) -> None:
    assert standing.is_counting() == [True, True]
    processes.pause()
    assert processes.is_paused()
    assert standing.is_counting() == [False, False]
    assert not processes.STACK_FILE.exists()  # no other command waits for it
    processes.resume()
    assert not processes.is_paused()
    assert processes.STACK_FILE.read_text() == "{}"
    assert standing.is_counting() == [True, True]


def test_a_paused_cloud_can_be_stopped(standing: Standing) -> None:
    processes.pause()
    processes.stop_all()
    assert standing.is_counting() == [False, False]
    assert not processes.has_left_anything()
    assert not standing.folder.exists()


def test_commands_say_that_a_cloud_is_paused(standing: Standing) -> None:
    processes.pause()
    with pytest.raises(CloudFailed, match="is paused: `make run` lets it go on"):
        processes.running()


def test_stopping_says_before_that_it_erases(standing: Standing, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.stop(keep=False) == 0
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith("Ending the local cloud, and erasing what it stores")
    assert "KEEP=1" in last
    assert command.stop(keep=False) == 0
    assert capsys.readouterr().out == "The local cloud is not running.\n"
