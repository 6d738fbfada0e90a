"""Lists of commands: for people with a header, for programs as JSON."""

import json

import pytest

from operations.listing import print_list

COLUMNS = ("id", "size")


@pytest.mark.parametrize("entries", [[], [("a", 1)], [('é"', None), ("b", 2)]])
def test_a_list_is_a_header_and_lines_or_an_array_of_objects(
    entries: list[tuple[str, int | None]], capsys: pytest.CaptureFixture[str]
) -> None:
    print_list(COLUMNS, entries, as_json=False)
    header, *lines = capsys.readouterr().out.splitlines()
    assert header == "id\tsize"
    assert lines == [f"{name}\t{'' if size is None else size}" for name, size in entries]
    print_list(COLUMNS, entries, as_json=True)
    assert json.loads(capsys.readouterr().out) == [{"id": name, "size": size} for name, size in entries]
