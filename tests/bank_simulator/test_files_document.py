"""The example in docs/files.md is what the command prints."""

import re
import shlex

import pytest

from bank_simulator.__main__ import main
from chalicelib.ledger.transaction import TransactionSchema
from tests.samples import PROJECT_DIR

BLOCKS = re.findall(r"```(?:sh)?\n(.*?)```", (PROJECT_DIR / "docs" / "files.md").read_text(encoding="utf-8"), re.DOTALL)


def test_the_document_shows_what_the_dry_run_prints(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command, first_line, report = BLOCKS[:3]
    monkeypatch.chdir(PROJECT_DIR)
    main(shlex.split(command.partition(" | ")[0].partition("bank_simulator")[2]))
    output, errors = capsys.readouterr()
    assert output.splitlines()[0] == first_line.rstrip("\n")
    if "notify" not in TransactionSchema().fields:
        pytest.skip("the API's schema doesn't know the second edition's fields yet: it finds them invalid")
    assert errors == report
