"""The metrics in logged lines, as CloudWatch reads them (embedded metric format, EMF), and its statistics of them."""

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple


class Metric(NamedTuple):
    """What CloudWatch tells metrics apart by. Dimensions are sorted by their names."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]


class Value(NamedTuple):
    at: float  # seconds since 1970
    value: float


Values = Mapping[Metric, Sequence[Value]]


def metric(namespace: str, name: str, dimensions: Mapping[str, str]) -> Metric:
    return Metric(namespace, name, tuple(sorted(dimensions.items())))


def values_in(lines: Iterable[str]) -> Values:
    """Return all values in the lines, by metric. A line without metrics has none; each dimension set is a metric."""
    found: dict[Metric, list[Value]] = defaultdict(list)
    for line in lines:
        if '"_aws"' in line:
            fields = json.loads(line)
            at = fields["_aws"]["Timestamp"] / 1000
            for directive in fields["_aws"]["CloudWatchMetrics"]:
                _read(directive, fields, at, found)
    return found


def _read(directive: Mapping[str, Any], fields: Mapping[str, Any], at: float, found: dict[Metric, list[Value]]) -> None:
    for names in directive["Dimensions"]:
        dimensions = {name: str(fields[name]) for name in names}
        for named in directive["Metrics"]:
            read = fields[named["Name"]]
            values = read if isinstance(read, list) else [read]
            one = metric(directive["Namespace"], named["Name"], dimensions)
            found[one].extend(Value(at, float(value)) for value in values)


def by_period(values: Iterable[Value], stat: str, period_s: int) -> list[Value]:
    """Return the statistic of each period in which there are values, oldest first, at the period's beginning."""
    periods: dict[int, list[float]] = defaultdict(list)
    for at, value in values:
        periods[int(at // period_s) * period_s].append(value)
    return [Value(at, statistic(periods[at], stat)) for at in sorted(periods)]


def statistic(values: Sequence[float], stat: str) -> float:
    """Return Sum, Maximum, Average or a percentile, like p95, of one value or more."""
    match stat:
        case "Sum":
            return math.fsum(values)
        case "Maximum":
            return max(values)
        case "Average":
            return math.fsum(values) / len(values)
    return sorted(values)[math.ceil(float(stat.removeprefix("p")) / 100 * len(values)) - 1]
