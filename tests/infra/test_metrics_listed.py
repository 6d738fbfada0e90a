"""docs/operations.md lists each metric that the code writes, and no other."""

import re

from tests.metrics import written
from tests.samples import PROJECT_DIR

OPERATIONS = (PROJECT_DIR / "docs" / "operations.md").read_text()


def listed() -> list[str]:
    """Return the metrics in the first column of the tables; what a name has of its own is `*`."""
    section = re.split(r"^##+ ", OPERATIONS.partition("\n### Metrics\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    rows = [line.split(" | ")[0] for line in section.splitlines() if line.startswith("| ")]
    return [re.sub(r"<\w+>", "*", name) for row in rows for name in re.findall(r"`([^`]+)`", row)]


def test_each_metric_of_the_code_is_listed_once_and_no_other() -> None:
    assert sorted(listed()) == sorted(written())


def test_metrics_are_found_however_they_are_counted() -> None:
    """By another name of the function, as a value of a time, with a record that is left out, by rule."""
    assert {"OverPace", "JobLag", "NotJudged", "Flagged_*", "RecordsSkipped", "RequestTime"} <= written()
