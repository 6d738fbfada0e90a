"""Print what a day's transactions cost on AWS, line by line, in a month of 30 days. It asks nothing of AWS.

    python -m operations.price --per-day 1000000 --holders 1.3
    python -m operations.price --per-day 100000000 --batch 100 --banks 50

The units are those of operations/units.json, which `python -m bench.units --write` counts on the local cloud: up to one
transaction a second, those of transactions that go through alone; of more, those of full batches. What grows with the
number of banks is reckoned: objects in the archive, and a secret for each bank, with which it signs or gets webhooks.
docs/scaling.md says where each price comes from. Left out: free tiers, discounts of volume, storage that grows with the
years, data that leaves AWS, and taxes.
"""

import argparse
import json
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from infra.command_line import at_least_one

UNITS = Path(__file__).with_name("units.json")
DAYS = 30
# Up to one transaction a second, each goes through alone: nothing shares a call with another one.
_DAY_S = 86_400
QUIET_PER_DAY = _DAY_S
_MILLION = Decimal(10**6)
_GB = Decimal(10**9)
# What is called for an e-mail; all else is called for a transaction, the first two for its POST.
_POSTING = frozenset({"bank", "api_handler"})
_MAILING = frozenset({"mailer", "alert_mailer", "feedback", "webhook_feeder", "webhook_sender"})


@dataclass(frozen=True, slots=True)
class Line:
    """What is billed: units for each transaction, and for each e-mail (one for each holder), and USD for a million."""

    name: str
    a_transaction: Decimal
    an_email: Decimal
    usd_a_million: Decimal

    def usd(self, transactions: Decimal, emails: Decimal) -> Decimal:
        return (self.a_transaction * transactions + self.an_email * emails) * self.usd_a_million / _MILLION


@dataclass(frozen=True, slots=True)
class Price:
    """A price in USD a million, and where `bench.units` counts its units: in `kind`, in rows that end with `of`.

    `beside` is what the local cloud doesn't count: SES's e-mail, SNS's own request to the queue of the feedback.
    """

    name: str
    usd_a_million: str
    kind: str = "calls"
    of: str = ""
    figure: str = "calls"
    beside: str = "0"


PRICES = (
    Price("SES, e-mails", "100", of="no service", beside="1"),
    Price("DynamoDB, write units", "0.625", of="dynamodb", figure="write_units"),
    Price("DynamoDB, read units", "0.125", of="dynamodb", figure="read_units"),
    Price("API Gateway, requests", "3.50", of="apigateway"),
    Price("SNS, feedback", "0.50", of="no service", beside="1"),
    Price("SQS, requests with their group", "0.50", of="sqs", beside="1"),
    Price("Lambda, invocations", "0.20", kind="functions", figure="invocations"),
    Price("Lambda, GB-seconds", "13.3334", kind="functions", figure="gb_s"),
    Price("CloudWatch, GB of logs", "500000", kind="functions", figure="log_bytes"),
)
FIXED_USD = Decimal("60")  # a stage's alarms, keys, secrets, and functions that run every minute
# The archiver is called for each shard of the stream, with what comes within its window, or with a payload of 6 MB. A
# table on demand begins with four shards, and each takes 1,000 writes a second.
_WINDOWS_PER_DAY = _DAY_S // 300
_LINES_AT_MOST = 4_000
_FIRST_SHARDS, _A_SHARD_PER_S = 4, 1_000
_USD_A_MILLION_PUTS = Decimal(5)
# A secret costs 0.40 USD a month. While its bank is busy, each warm copy of the webhooks' sender reads it every minute,
# and of the API's function every five.
_SECRET_USD, _USD_A_MILLION_READS = Decimal("0.40"), Decimal(5)
_READS_PER_DAY = _DAY_S // 60
_REQUEST_S = Decimal("0.05")


def lines(per_day: Decimal, batch: int = 1) -> list[Line]:
    """Return what each line's units are at so many transactions a day, posted in batches of this size."""
    runs = json.loads(UNITS.read_text())["runs"]
    posting, rest = runs["alone" if batch == 1 else "full"], runs["alone" if per_day <= QUIET_PER_DAY else "full"]
    found = []
    for price in PRICES:
        in_post = _sum(posting, price, _POSTING.__contains__)
        after = _sum(rest, price, lambda function: function not in _POSTING | _MAILING)
        for_email = _sum(rest, price, _MAILING.__contains__) + Decimal(price.beside)
        if price.of == "apigateway":
            in_post = 1 / Decimal(batch)
        found.append(Line(price.name, _rounded(in_post + after), _rounded(for_email), Decimal(price.usd_a_million)))
    return found


def objects_per_day(per_day: Decimal, banks: int) -> Decimal:
    """Return how many objects the archive gets in a day of equally busy banks: one of each bank in a batch."""
    shards = max(_FIRST_SHARDS, math.ceil(per_day / _DAY_S / _A_SHARD_PER_S))
    batches = max(Decimal(shards * _WINDOWS_PER_DAY), per_day / _LINES_AT_MOST)
    return min(per_day, batches * banks)


def secrets_usd(per_day: Decimal, banks: int) -> Decimal:
    """Return what the banks' secrets cost in a month, read by as many copies as requests are answered side by side."""
    copies = math.ceil(per_day / _DAY_S * _REQUEST_S)
    reads = copies * _READS_PER_DAY * DAYS
    return banks * (_SECRET_USD + reads * _USD_A_MILLION_READS / _MILLION)


def _sum(run: dict[str, Any], price: Price, is_of: Callable[[str], bool]) -> Decimal:
    rows = run[price.kind].items()
    of_service = f" {price.of}" if price.of else ""
    found = sum(
        (
            Decimal(str(row.get(price.figure, 0)))
            for name, row in rows
            if name.endswith(of_service) and name.split(" ")[0] != "root" and is_of(name.split(" ")[0])
        ),
        Decimal(0),
    )
    return found / _GB if price.figure == "log_bytes" else found


def _rounded(number: Decimal) -> Decimal:
    """Return a number with three digits."""
    return Decimal(f"{number:.3g}")


def table(per_day: Decimal, holders: Decimal, batch: int, banks: int = 1) -> list[tuple[str, Decimal]]:
    """Return each line with its USD a month, and the sums."""
    transactions = per_day * DAYS
    emails = transactions * holders
    found = [(line.name, line.usd(transactions, emails)) for line in lines(per_day, batch)]
    objects = objects_per_day(per_day, banks) * DAYS
    found.append(("S3, writes to the archive", objects * _USD_A_MILLION_PUTS / _MILLION))
    found.append(("Secrets Manager, banks' secrets", secrets_usd(per_day, banks)))
    found.append(("a stage by itself", FIXED_USD))
    total = sum((usd for _, usd in found), Decimal(0))
    return [*found, ("sum", total), ("sum without SES", total - found[0][1])]


def printed(per_day: Decimal, holders: Decimal, batch: int, banks: int = 1) -> str:
    """Return the table as text, with USD a month, and for a million transactions."""
    millions = per_day * DAYS / _MILLION
    header = f"{'':32}{'USD a month':>16}{'USD a million':>16}"
    rows = [f"{name:32}{usd:16,.2f}{usd / millions:16,.2f}" for name, usd in table(per_day, holders, batch, banks)]
    return "\n".join([header, *rows])


def main(arguments: list[str] | None = None) -> int:
    description, examples, rest = (__doc__ or "").strip().split("\n\n")
    parser = argparse.ArgumentParser(
        prog="python -m operations.price",
        description=description,
        epilog=f"examples:\n{examples}\n\n{rest}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--per-day", type=_number, required=True, help="transactions a day")
    parser.add_argument("--holders", type=_number, default=Decimal(1), help="holders told of each (default: 1)")
    parser.add_argument("--batch", type=int, default=1, choices=range(1, 501), metavar="1-500", help="in a request")
    parser.add_argument("--banks", type=at_least_one, default=1, help="banks, equally busy (default: 1)")
    options = parser.parse_args(arguments)
    print(printed(options.per_day, options.holders, options.batch, options.banks))
    return 0


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not (number.is_finite() and 0 < number <= 10**12):
        raise argparse.ArgumentTypeError("must be a number over 0")
    return number


if __name__ == "__main__":
    sys.exit(main())
