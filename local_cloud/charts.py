"""A dashboard drawn as a page: each widget in its place, a line for each metric, as CloudWatch's console draws them."""

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from typing import NamedTuple

from local_cloud.metric_lines import Value

# Of the console's palette.
COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf")
UNIT_PX = 52  # a widget's width and height are in units of the grid
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 8, 20
_TITLE_PX, _LEGEND_PX, _PADDING_PX = 26, 15, 10
_STYLE = """
body{margin:0;padding:16px;width:max-content;background:#f2f3f3;font:12px Helvetica,Arial,sans-serif;color:#16191f}
h1{font-size:18px;margin:0 0 4px}p{margin:0 0 12px;color:#545b64}
main{position:relative}
section{position:absolute;box-sizing:border-box;background:#fff;border:1px solid #d5dbdb;padding:6px 10px}
section{overflow:hidden}
h2{font-size:13px;margin:0;line-height:26px;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
svg{display:block}ul{margin:0;padding:0;list-style:none;display:flex;flex-wrap:wrap;gap:0 12px;line-height:15px}
li{font-size:11px;white-space:nowrap}i{display:inline-block;width:9px;height:9px;margin-right:4px}
"""


class Line(NamedTuple):
    """A metric of a chart."""

    label: str
    values: Sequence[Value]


class Chart(NamedTuple):
    """A widget: its title, its place and size on the grid, its lines, and what it says if no line has a value."""

    title: str
    x: int
    y: int
    width: int
    height: int
    lines: Sequence[Line]
    if_empty: str


def page(heading: str, text: str, charts: Sequence[Chart], period_s: int) -> str:
    """Return the dashboard as a page of HTML. All charts show the same time: from the first value to the last."""
    times = [value.at for chart in charts for line in chart.lines for value in line.values]
    first, last = (min(times), max(times)) if times else (0.0, 0.0)
    last = max(last, first + period_s)
    width = max(chart.x + chart.width for chart in charts) * UNIT_PX
    height = max(chart.y + chart.height for chart in charts) * UNIT_PX
    widgets = "".join(_widget(chart, first, last) for chart in charts)
    return (
        f'<!doctype html><meta charset="utf-8"><title>{escape(heading)}</title><style>{_STYLE}</style>'
        f"<h1>{escape(heading)}</h1><p>{escape(text)}</p>"
        f'<main style="width:{width}px;height:{height}px">{widgets}</main>'
    )


def top_of(most: float) -> float:
    """Return where an axis from 0 ends that shows `most`: a round number, not less."""
    if most <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(most))
    return next(step * power for step in (1, 2, 2.5, 4, 5, 10) if step * power >= most)


def _widget(chart: Chart, first: float, last: float) -> str:
    gap = 6
    box = (chart.x * UNIT_PX, chart.y * UNIT_PX, chart.width * UNIT_PX - gap, chart.height * UNIT_PX - gap)
    place = "left:{}px;top:{}px;width:{}px;height:{}px".format(*box)
    colours = [COLOURS[number % len(COLOURS)] for number in range(len(chart.lines))]
    legend = "".join(
        f'<li><i style="background:{colour}"></i>{escape(line.label)}</li>'
        for line, colour in zip(chart.lines, colours, strict=True)
    )
    rows = math.ceil(sum(len(line.label) * 6 + 26 for line in chart.lines) / (box[2] - 2 * _PADDING_PX)) or 1
    size = (box[2] - 2 * _PADDING_PX - 2, box[3] - _TITLE_PX - rows * _LEGEND_PX - 16)
    drawn = "".join(_drawn(chart, colours, size, first, last))
    svg = f'<svg width="{size[0]}" height="{size[1]}" font-size="10">{drawn}</svg>'
    return f'<section style="{place}"><h2>{escape(chart.title)}</h2>{svg}<ul>{legend}</ul></section>'


def _drawn(chart: Chart, colours: Sequence[str], size: tuple[int, int], first: float, last: float) -> Iterator[str]:
    """Yield the axes and the lines."""
    width, height = size[0] - _LEFT - _RIGHT, size[1] - _TOP - _BOTTOM
    values = [value.value for line in chart.lines for value in line.values]
    if not values:
        x, y = size[0] / 2, size[1] / 2
        yield f'<text x="{x}" y="{y}" text-anchor="middle" fill="#687078">{escape(chart.if_empty)}</text>'
        return
    top = top_of(max(values))
    for quarter in range(5):
        y = _TOP + height * (1 - quarter / 4)
        yield f'<line x1="{_LEFT}" x2="{_LEFT + width}" y1="{y:.1f}" y2="{y:.1f}" stroke="#eaeded"/>'
        yield f'<text x="{_LEFT - 6}" y="{y + 3:.1f}" text-anchor="end" fill="#545b64">{top * quarter / 4:g}</text>'
    for tick in _ticks(first, last):
        x = _LEFT + width * (tick - first) / (last - first)
        at = datetime.fromtimestamp(tick, UTC)
        yield f'<text x="{x:.1f}" y="{size[1] - 6}" text-anchor="middle" fill="#545b64">{at:%H:%M}</text>'
    for line, colour in zip(chart.lines, colours, strict=True):
        places = [
            (_LEFT + width * (at - first) / (last - first), _TOP + height * (1 - value / top))
            for at, value in line.values
        ]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{colour}"/>' for x, y in places)


def _ticks(first: float, last: float) -> Iterator[float]:
    """Yield whole minutes, at most six of them."""
    step = 60 * math.ceil((last - first) / 60 / 5)
    tick = math.ceil(first / step) * step
    while tick <= last:
        yield tick
        tick += step
