"""What each of a day's transactions and e-mails uses of what AWS bills, at the rate at which they come.

The units are those of operations/units.json, which `python -m bench.units --write` counts on the local cloud, of
transactions that go through alone and of full batches. A day's transactions are taken as coming at random moments, as
often in each hour: from their rate follows how many a function finds when it looks, and shares its calls among.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

UNITS = Path(__file__).with_name("units.json")
DAY_S = 86_400
_MILLION = Decimal(10**6)
_GB = Decimal(10**9)
# What is called for an e-mail; all else is called for a transaction, the first two for its POST.
_POSTING = frozenset({"bank", "api_handler"})
_MAILING = frozenset({"mailer", "alert_mailer", "feedback", "webhook_feeder", "webhook_sender"})


@dataclass(frozen=True, slots=True)
class Line:
    """What is billed: units for each transaction, and for each e-mail (one for each holder), and USD for a million.

    `cheaper` are the prices of what is above so many units in a month, the smallest number first.
    """

    name: str
    a_transaction: Decimal
    an_email: Decimal
    usd_a_million: Decimal
    cheaper: tuple[tuple[Decimal, Decimal], ...] = ()

    def units(self, transactions: Decimal, emails: Decimal) -> Decimal:
        return self.a_transaction * transactions + self.an_email * emails

    def usd(self, transactions: Decimal, emails: Decimal) -> Decimal:
        """Return the USD of a month's transactions and e-mails."""
        left, usd = self.units(transactions, emails), Decimal(0)
        for above, usd_a_million in reversed(((Decimal(0), self.usd_a_million), *self.cheaper)):
            part = max(Decimal(0), left - above)
            usd += part * usd_a_million
            left -= part
        return usd / _MILLION


@dataclass(frozen=True, slots=True)
class Price:
    """A price in USD a million, and where `bench.units` counts its units: in `kind`, in rows that end with `of`.

    What the local cloud doesn't count is `beside` an e-mail (SES's own, SNS's request to the feedback queue), and
    `a_request` of the API (its line in the access log). `cheaper` is as in Line.
    """

    name: str
    usd_a_million: str
    kind: str = "calls"
    of: str = ""
    figure: str = "calls"
    beside: str = "0"
    a_request: str = "0"
    cheaper: tuple[tuple[int, str], ...] = ()


ACCESS_LOG_LINE = 250  # bytes of the format in infra/app.json, with the 26 that CloudWatch adds
PRICES = (
    Price("SES, e-mails", "100", of="no service", beside="1"),
    Price("DynamoDB, write units", "0.625", of="dynamodb", figure="write_units"),
    Price("DynamoDB, read units", "0.125", of="dynamodb", figure="read_units"),
    Price(
        "API Gateway, requests",
        "3.50",
        of="apigateway",
        cheaper=((333 * 10**6, "2.80"), (1_000 * 10**6, "2.38"), (20_000 * 10**6, "1.51")),
    ),
    Price("SNS, feedback", "0.50", of="no service", beside="1"),
    Price("SQS, requests with their group", "0.50", of="sqs", beside="1"),
    Price("Lambda, invocations", "0.20", kind="functions", figure="invocations"),
    Price("Lambda, GB-seconds", "13.3334", kind="functions", figure="gb_s"),
    Price("CloudWatch, GB of logs", "500000", kind="functions", figure="log_bytes", a_request=f"{ACCESS_LOG_LINE}E-9"),
)
_FULL_POST = 100  # transactions in each request of the run `full`
# A table on demand begins with four shards, and each takes 1,000 writes a second.
_FIRST_SHARDS, _A_SHARD_PER_S = 4, 1_000
# Lambda looks into a shard of a stream four times a second, and begins to read a queue with five readers.
LOOK_S, QUEUE_READERS = Decimal("0.25"), 5
_LINES_AT_MOST = 4_000  # in an object of the archive: Lambda hands over 6 MB at most


@dataclass(frozen=True, slots=True)
class Trigger:
    """What a function finds when it is called: what has come to one of some readers, each with its part of all.

    A reader without a window looks every `window_s`, and calls if there is anything; one with a window waits so long
    for more behind the first one.
    """

    window_s: Decimal
    readers: int | None  # None: one for each shard of the stream
    at_most: int
    waits: bool = True

    def finds(self, per_s: Decimal, shards: int) -> Decimal:
        """Return how many it finds on average, of so many a second that come at random moments."""
        within = per_s * self.window_s / (self.readers or shards)
        if self.waits:
            found = 1 + within
        elif within < Decimal("1E-9"):  # less than what floats could tell from none
            found = Decimal(1)
        else:
            found = within / Decimal(-math.expm1(-float(within)))  # of the looks that find any
        return min(Decimal(self.at_most), found)


# As app.py declares them. The mailers are sent what the stream handler found, and find it together.
TRIGGERS = {
    "transaction_stream": Trigger(LOOK_S, None, 100, waits=False),
    "mailer": Trigger(LOOK_S, None, 100, waits=False),
    "alert_mailer": Trigger(LOOK_S, None, 100, waits=False),
    "archiver": Trigger(Decimal(300), None, 5_000),
    "feedback": Trigger(Decimal(5), QUEUE_READERS, 100),
    "webhook_feeder": Trigger(Decimal(1), None, 100),
    "analytics_job": Trigger(Decimal(60), 1, 10**9),
}


def shards(per_day: Decimal) -> int:
    """Return how many shards a table's stream has at so many transactions a day."""
    return max(_FIRST_SHARDS, math.ceil(per_day / DAY_S / _A_SHARD_PER_S))


def found_by(function: str, per_day: Decimal, holders: Decimal = Decimal(1)) -> Decimal:
    """Return how many transactions or e-mails a function is called with at so many transactions a day."""
    if function not in TRIGGERS:
        return Decimal(1)
    a_day = per_day * holders if function in _MAILING else per_day
    return TRIGGERS[function].finds(a_day / DAY_S, shards(per_day))


def lines(per_day: Decimal, batch: int = 1, holders: Decimal = Decimal(1)) -> list[Line]:
    """Return what each line's units are at so many transactions a day, posted in batches of this size."""
    return [
        line_of(
            price.name,
            by_function(price, per_day, batch, holders),
            Decimal(price.usd_a_million),
            a_transaction=Decimal(price.a_request) / batch,
            an_email=Decimal(price.beside),
            cheaper=tuple((Decimal(above), Decimal(usd)) for above, usd in price.cheaper),
        )
        for price in PRICES
    ]


def line_of(
    name: str,
    units: Mapping[str, Decimal],
    usd_a_million: Decimal,
    a_transaction: Decimal = Decimal(0),
    an_email: Decimal = Decimal(0),
    cheaper: tuple[tuple[Decimal, Decimal], ...] = (),
) -> Line:
    """Return a line of the units of functions, and of what is besides for each transaction and e-mail."""
    for function, one in units.items():
        if function in _MAILING:
            an_email += one
        else:
            a_transaction += one
    return Line(name, _rounded(a_transaction), _rounded(an_email), usd_a_million, cheaper)


def by_function(price: Price, per_day: Decimal, batch: int, holders: Decimal) -> dict[str, Decimal]:
    """Return what each function uses of what a price is of: for an e-mail if it mails, else for a transaction."""

    def of(function: str) -> Decimal:
        return Decimal(batch) if function in _POSTING else found_by(function, per_day, holders)

    return _by_function(json.loads(UNITS.read_text())["runs"], price, of)


def _by_function(runs: dict[str, Any], price: Price, of: Callable[[str], Decimal]) -> dict[str, Decimal]:
    """Return a line's units by function, each called with so many: what a call costs by itself is shared by them."""
    alone, full = (_units(runs[name], price) for name in ("alone", "full"))
    found = {}
    for function in alone | full:
        invocations = runs["full"]["functions"].get(function, {}).get("invocations")
        number = 1 / Decimal(str(invocations)) if invocations else Decimal(_FULL_POST)
        one, many = alone.get(function, Decimal(0)), full.get(function, Decimal(0))
        of_the_call = (one - many) / (1 - 1 / number) if number > 1 else Decimal(0)
        found[function] = max(Decimal(0), one - of_the_call + of_the_call / of(function))
    return found


def _units(run: dict[str, Any], price: Price) -> dict[str, Decimal]:
    """Return the units that a run counted for a line, by the function that used them."""
    of_service = f" {price.of}" if price.of else ""
    found: dict[str, Decimal] = {}
    for name, row in run[price.kind].items():
        function = name.split(" ")[0]
        if name.endswith(of_service) and function != "root":
            units = Decimal(str(row.get(price.figure, 0)))
            found[function] = found.get(function, Decimal(0)) + (units / _GB if price.figure == "log_bytes" else units)
    return found


def objects_per_day(per_day: Decimal, banks: int) -> Decimal:
    """Return how many objects the archive gets in a day of equally busy banks: one of each bank in a batch."""
    batches = per_day / min(Decimal(_LINES_AT_MOST), found_by("archiver", per_day))
    return min(per_day, batches * banks)


def _rounded(number: Decimal) -> Decimal:
    """Return a number with three digits."""
    return Decimal(f"{number:.3g}")
