"""Print what a day's transactions cost on AWS, line by line, in a month of 30 days. It asks nothing of AWS.

    python -m operations.price --per-day 1000000 --holders 1.3
    python -m operations.price --per-day 100000000 --batch 100

docs/scaling.md says where each unit and each price comes from. Left out: free tiers, discounts of volume, storage that
grows with the years, data that leaves AWS, and taxes.
"""

import argparse
import sys
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

DAYS = 30
_MILLION = Decimal(10**6)


@dataclass(frozen=True, slots=True)
class Line:
    """What is billed: units for each transaction, and for each e-mail (one for each holder), and USD for a million."""

    name: str
    a_transaction: Decimal
    an_email: Decimal
    usd_a_million: Decimal

    def usd(self, transactions: Decimal, emails: Decimal) -> Decimal:
        return (self.a_transaction * transactions + self.an_email * emails) * self.usd_a_million / _MILLION


def _line(name: str, a_transaction: str, an_email: str, usd_a_million: str) -> Line:
    return Line(name, *map(Decimal, (a_transaction, an_email, usd_a_million)))


API = "API Gateway, requests"
LINES = (
    _line("SES, e-mails", "0", "1", "100"),
    _line("DynamoDB, write units", "5.1", "4.35", "0.625"),
    _line("DynamoDB, read units", "2.75", "2", "0.125"),
    _line(API, "1", "0", "3.50"),
    _line("SNS, feedback", "0", "1", "0.50"),
    _line("SQS, requests with their group", "0.05", "1.4", "0.50"),
    _line("Lambda, invocations", "1.05", "0.2", "0.20"),
    _line("Lambda, GB-seconds", "0.015", "0.01", "13.3334"),
    _line("CloudWatch, GB of logs", "0.0000012", "0", "500000"),
)
FIXED_USD = Decimal("60")  # a stage's alarms, keys, secrets, and functions that run every minute


def table(per_day: Decimal, holders: Decimal, batch: int) -> list[tuple[str, Decimal]]:
    """Return each line with its USD a month, and the sums."""
    transactions = per_day * DAYS
    emails = transactions * holders
    found = [
        (line.name, line.usd(transactions / batch if line.name == API else transactions, emails)) for line in LINES
    ]
    found.append(("a stage by itself", FIXED_USD))
    total = sum((usd for _, usd in found), Decimal(0))
    return [*found, ("sum", total), ("sum without SES", total - found[0][1])]


def printed(per_day: Decimal, holders: Decimal, batch: int) -> str:
    """Return the table as text, with USD a month, and for a million transactions."""
    millions = per_day * DAYS / _MILLION
    header = f"{'':32}{'USD a month':>16}{'USD a million':>16}"
    rows = [f"{name:32}{usd:16,.2f}{usd / millions:16,.2f}" for name, usd in table(per_day, holders, batch)]
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
    options = parser.parse_args(arguments)
    print(printed(options.per_day, options.holders, options.batch))
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
