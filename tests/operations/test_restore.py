"""The templates by which the data stack lets go of a table and takes the restored one over."""

import pytest

from operations.restore import DATA, main, with_literal_outputs, without
from operations.restored_table import RestoreFailed

TEMPLATE = DATA.read_text()
LITERALS = {
    "!Ref AccountsTable": "restored",
    "!GetAtt AccountsTable.Arn": "arn:table/restored",
    "!GetAtt AccountsTable.StreamArn": "arn:table/restored/stream/2026-01-10T14:00:00.000",
}


def test_a_table_is_left_out_and_the_outputs_name_the_restored_one() -> None:
    found = without(TEMPLATE, "AccountsTable", LITERALS)
    before, after = TEMPLATE.splitlines(), found.splitlines()
    assert "  AccountsTable:" not in after
    assert "  BanksTable:" in after
    assert '  AccountsTable: {Value: "restored"}' in after
    assert '  AccountsTableArn: {Value: "arn:table/restored"}' in after
    assert f'  AccountsStreamArn: {{Value: "{LITERALS["!GetAtt AccountsTable.StreamArn"]}"}}' in after
    assert "!Ref AccountsTable" not in found
    assert "AccountsTable." not in found
    # Nothing else differs.
    gone = set(before) - set(after)
    assert {line for line in gone if "AccountsTable" not in line} <= set(
        before[before.index("  AccountsTable:") : before.index("  BanksTable:")]
    )


def test_the_import_has_the_resources_as_they_are_and_the_outputs_of_the_step_before() -> None:
    found = with_literal_outputs(TEMPLATE, LITERALS)
    resources, _, outputs = found.partition("\nOutputs:\n")
    assert resources == TEMPLATE.partition("\nOutputs:\n")[0]
    assert outputs == without(TEMPLATE, "AccountsTable", LITERALS).partition("\nOutputs:\n")[2]


def test_what_is_not_in_the_template_is_refused() -> None:
    with pytest.raises(RestoreFailed, match="no NoTable"):
        without(TEMPLATE, "NoTable", {})


@pytest.mark.parametrize("at", ["yesterday", "2026-13-01"])
def test_a_time_that_is_none_is_refused(at: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--stage", "prod", "table", "AccountsTable", "--at", at])
    assert "no time like" in capsys.readouterr().err
