"""The dashboard's page: each widget in its place, each metric a line within the axes."""

import re

import pytest

from local_cloud.charts import UNIT_PX, Chart, Line, page, top_of
from local_cloud.metric_lines import Value


def chart(*lines: Line, title: str = "E-mails", x: int = 0, y: int = 0) -> Chart:
    return Chart(title, x, y, 8, 6, lines, "no value in this time")


def points(html: str) -> list[list[tuple[float, float]]]:
    found = re.findall(r'<polyline points="([^"]*)"', html)
    return [[tuple(map(float, one.split(","))) for one in line.split()] for line in found]  # type: ignore[misc]


def test_each_widget_is_in_its_place_and_has_its_title_and_legend() -> None:
    line = Line("Sent <now>", [Value(0, 1)])
    html = page("A & B", "made of lines", [chart(line), chart(line, title="Webhooks", x=16, y=12)], 60)
    assert "<h1>A &amp; B</h1>" in html
    assert html.count("Sent &lt;now&gt;</li>") == 2
    assert f"left:{16 * UNIT_PX}px;top:{12 * UNIT_PX}px;" in html
    assert f"width:{24 * UNIT_PX}px;height:{18 * UNIT_PX}px" in html


def test_a_higher_value_is_higher_up_and_a_later_one_is_further_to_the_right() -> None:
    low, high = Line("low", [Value(0, 1), Value(60, 2)]), Line("high", [Value(0, 10), Value(120, 5)])
    first, second = points(page("", "", [chart(low, high)], 60))
    (x0, y0), (x1, y1) = first
    (x2, y2), (x3, y3) = second
    assert (x0, x0 < x1 < x3) == (x2, True)
    assert y2 < y3 < y1 < y0


def test_all_charts_show_the_same_time() -> None:
    early, late = Line("early", [Value(0, 1)]), Line("late", [Value(600, 1)])
    (first,), (last,) = points(page("", "", [chart(early), chart(late)], 60))
    assert first[0] < last[0]


def test_a_chart_without_values_says_so() -> None:
    html = page("", "", [chart(Line("Sent", []))], 60)
    assert "no value in this time</text>" in html
    assert "no value" not in page("", "", [chart(Line("Sent", [Value(0, 0)]))], 60)


@pytest.mark.parametrize(
    ("most", "top"), [(0, 1), (0.03, 0.04), (1, 1), (1.1, 2), (24, 25), (26, 40), (99, 100), (100, 100), (4321, 5000)]
)
def test_an_axis_ends_at_a_round_number_that_is_not_less(most: float, top: float) -> None:
    assert top_of(most) == pytest.approx(top)
