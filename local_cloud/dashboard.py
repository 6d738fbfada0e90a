"""Takes a picture of the stage's dashboard as CloudWatch would show it, with what the local cloud has logged.

python -m local_cloud.dashboard --picture docs/operations/dashboard.png
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Error as BrowserFailed
from playwright.sync_api import sync_playwright

from chalicelib.aws.telemetry import NAMESPACE
from infra.command_line import run
from infra.failures import CommandFailed
from infra.observing import TEMPLATE
from local_cloud import charts, metric_lines, processes
from local_cloud.deploy import LOCAL, STAGE
from local_cloud.logs import log_lines
from mail_gallery.browsers import BROWSER_ARGUMENTS, find_browser

PICTURE = LOCAL / "dashboard.png"
OF_AWS = "AWS writes this metric: the local cloud has none"
NOTHING = "no value in this time"
_SEARCH = re.compile(r"""SEARCH\('\{(\w+),([\w,]+)\} stage="(\w+)" MetricName="(\w+)"', '(\w+)', (\d+)\)""")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its status: 0, or 1 if no local cloud runs or there is no browser."""
    parser = argparse.ArgumentParser(
        prog="python -m local_cloud.dashboard", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument(
        "--picture", type=Path, default=PICTURE, help=f"the file to write (default: .local/{PICTURE.name})"
    )
    options = parser.parse_args(arguments)
    return run("dashboard", lambda: take(options.picture), interrupted="interrupted.")


def take(picture: Path, find: Callable[[], str | None] = find_browser) -> int:
    """Write the picture of the running local cloud's dashboard."""
    executable = find()
    if executable is None:
        raise CommandFailed("there is no Chromium on this machine: `apt-get install chromium`, and run this again.")
    _, cloud = processes.running()
    lines = log_lines(cloud.session().client("logs"), STAGE)
    shown = shown_by(widgets(json.loads(TEMPLATE.read_text())), metric_lines.values_in(line.text for line in lines))
    photograph(executable, shown, picture)
    print(f"{picture}: {len(shown)} charts.")
    return 0


def widgets(template: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the widgets of the dashboard that the release's template makes, for the local stage."""
    body, _ = template["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    found: list[dict[str, Any]] = json.loads(body.replace("${Stage}", STAGE))["widgets"]
    return found


def shown_by(widgets: Sequence[Mapping[str, Any]], values: metric_lines.Values) -> list[charts.Chart]:
    """Return each widget as a chart of the values."""
    found = []
    for widget in widgets:
        properties = widget["properties"]
        lines = [line for shown in properties["metrics"] for line in _lines(shown, properties["period"], values)]
        is_of_aws = all(isinstance(one[0], str) and one[0] != NAMESPACE for one in properties["metrics"])
        x, y, width, height = (int(widget[name]) for name in ("x", "y", "width", "height"))
        if_empty = OF_AWS if is_of_aws else NOTHING
        found.append(charts.Chart(properties["title"], x, y, width, height, lines, if_empty))
    return found


def photograph(executable: str, shown: Sequence[charts.Chart], picture: Path) -> None:
    """Draw the charts in a browser, and write a picture of them. Raises CommandFailed if the browser fails."""
    picture.parent.mkdir(parents=True, exist_ok=True)
    text = "A run on the local cloud, drawn from the metrics that its functions logged. Times are in UTC."
    html = charts.page(f"transaction-notifier-{STAGE}", text, shown, 60)
    try:
        with (
            sync_playwright() as playwright,
            playwright.chromium.launch(executable_path=executable, args=BROWSER_ARGUMENTS) as browser,
            browser.new_page(viewport={"width": 400, "height": 300}) as page,
        ):
            page.set_content(html)
            page.locator("body").screenshot(path=picture)
    except BrowserFailed as error:
        raise CommandFailed(f"{executable} failed: {error.message.splitlines()[0]}") from error


def _lines(shown: Sequence[Any], period_s: int, values: metric_lines.Values) -> Iterator[charts.Line]:
    """Yield the lines of one metric of a widget: one, or for a search one for each value of its dimension."""
    if isinstance(shown[0], dict):
        yield from _found(shown[0]["expression"], values)
        return
    namespace, name, *pairs, options = shown
    metric = metric_lines.metric(namespace, name, dict(zip(pairs[::2], pairs[1::2], strict=True)))
    points = metric_lines.by_period(values.get(metric, ()), options["stat"], period_s)
    yield charts.Line(options["label"], points)


def _found(expression: str, values: metric_lines.Values) -> Iterator[charts.Line]:
    match = _SEARCH.fullmatch(expression)
    if match is None:
        raise CommandFailed(f"the dashboard has a search that this command can't read: {expression}")
    namespace, dimensions, stage, name, stat, period = match.groups()
    names = set(dimensions.split(","))
    for metric in sorted(values):
        found = dict(metric.dimensions)
        if (metric.namespace, metric.name, found.get("stage")) == (namespace, name, stage) and found.keys() == names:
            label = " ".join(value for one, value in found.items() if one != "stage")
            yield charts.Line(label, metric_lines.by_period(values[metric], stat, int(period)))


if __name__ == "__main__":
    sys.exit(main())
