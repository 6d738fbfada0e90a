"""The release command: for how long a release is watched."""

from typing import Any

import pytest

from infra import release


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """For how many minutes each release is watched that a test makes: none is made in truth."""
    minutes: list[int] = []

    def released(*_: Any, watch_minutes: int, **__: Any) -> dict[str, str]:
        minutes.append(watch_minutes)
        return {"EndpointURL": "https://example.com/prod"}

    class Stage:
        name, outputs = "prod", {}
        session = type("Session", (), {"client": lambda *_: None})()

    monkeypatch.setattr(release, "release", released)
    monkeypatch.setattr(release, "open_stage", lambda _: Stage())
    for name in ("check_stage", "enter_console", "smoke_test"):
        monkeypatch.setattr(release, name, lambda *_: [])
    return minutes


@pytest.mark.parametrize(
    ("arguments", "minutes"),
    [
        ([], 5),
        (["--watch", "0"], 0),
        (["--watch", "180"], 180),
        # The alarm for which one goes back is on.
        (["--to", "3f0c"], 0),
        (["--to", "3f0c", "--watch", "5"], 5),
    ],
)
def test_a_release_is_watched_as_long_as_it_is_said_and_going_back_is_not(
    watched: list[int], arguments: list[str], minutes: int
) -> None:
    assert release.main(["--stage", "prod", *arguments]) == 0
    assert watched == [minutes]


@pytest.mark.parametrize("text", ["-1", "181", "5m", ""])
def test_a_watch_that_cloudformation_does_not_take_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        release.main(["--stage", "prod", f"--watch={text}"])
    assert "no whole number from 0 to 180" in capsys.readouterr().err
