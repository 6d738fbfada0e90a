"""The threat model names tests: each of them exists, and each row names one."""

import re

import pytest

from infra.package import PROJECT_DIR

TEXT = (PROJECT_DIR / "docs" / "threat-model.md").read_text()
ROWS = [line for line in TEXT.splitlines() if re.match(r"\| [STRIDE] \|", line)]
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", TEXT)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[4:60])
def test_each_row_says_who_what_stops_it_and_names_a_test(row: str) -> None:
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert len(cells) == 4
    assert all(cells)
    assert re.fullmatch(r"`tests/[\w/]+\.py::test_\w+`", cells[-1])


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_each_named_test_exists(file: str, name: str) -> None:
    assert re.search(rf"^def {name}\(", (PROJECT_DIR / file).read_text(), re.MULTILINE)


def test_every_kind_of_threat_has_a_row() -> None:
    assert {row[2] for row in ROWS} == set("STRIDE")
    assert len(NAMED) == len(ROWS)
