"""Print what a day's transactions cost on AWS, in a month of 30 days, and what they need. It asks nothing of AWS.

    python -m operations.price --per-day 1000000 --holders 1.3
    python -m operations.price --per-day 100000000 --batch 100 --banks 50
    python -m operations.price --per-day 100000000 --steady

The units are those of operations/units.json, which `python -m bench.units --write` counts on the local cloud, and a
day's transactions are taken as coming at random moments, as often in each hour (`operations.units`). What grows with
the number of banks is reckoned: objects in the archive, and a secret for each bank, with which it signs or gets
webhooks. `--steady` is for a stage whose parameter SteadyTransactions keeps capacity (`operations.steady`), and prints
the number to set. docs/scaling.md says where each price comes from. Left out: free tiers, discounts of volume besides
API Gateway's, storage that grows with the years, data that leaves AWS, what a stage can have besides (web ACL, traces),
and taxes.
"""

import argparse
import math
import sys
from decimal import Decimal, InvalidOperation

from infra.command_line import at_least_one, run
from operations import needs, steady
from operations.price_stage import usd_a_month
from operations.units import DAY_S, lines, objects_per_day

DAYS = 30
MAX_BATCH = 500  # transactions in a request
_MILLION = Decimal(10**6)
_USD_A_MILLION_PUTS = Decimal(5)
# A secret costs 0.40 USD a month. While its bank is busy, each warm copy of the webhooks' sender reads it every minute,
# and of the API's function every five.
_SECRET_USD, _USD_A_MILLION_READS = Decimal("0.40"), Decimal(5)
_READS_PER_DAY = DAY_S // 60
_REQUEST_S = Decimal("0.05")


def secrets_usd(per_day: Decimal, banks: int) -> Decimal:
    """Return what the banks' secrets cost in a month, read by as many copies as requests are answered side by side."""
    copies = math.ceil(per_day / DAY_S * _REQUEST_S)
    reads = copies * _READS_PER_DAY * DAYS
    return banks * (_SECRET_USD + reads * _USD_A_MILLION_READS / _MILLION)


def table(
    per_day: Decimal, holders: Decimal, batch: int, banks: int = 1, percent: int | None = None
) -> list[tuple[str, Decimal]]:
    """Return each line with its USD a month, and the sums.

    In a steady stage, so many `percent` of the capacity are used; None is a stage on demand.
    """
    transactions = per_day * DAYS
    emails = transactions * holders
    billed = lines(per_day, batch, holders) if percent is None else steady.lines(per_day, batch, holders, percent)
    found = [(line.name, line.usd(transactions, emails)) for line in billed]
    objects = objects_per_day(per_day, banks) * DAYS
    found.append(("S3, writes to the archive", objects * _USD_A_MILLION_PUTS / _MILLION))
    found.append(("Secrets Manager, banks' secrets", secrets_usd(per_day, banks)))
    found.append(("a stage by itself", usd_a_month(percent is not None)))
    total = sum((usd for _, usd in found), Decimal(0))
    return [*found, ("sum", total), ("sum without SES", total - found[0][1])]


def printed(per_day: Decimal, holders: Decimal, batch: int, banks: int = 1, percent: int | None = None) -> str:
    """Return the table as text, with USD a month, and for a million transactions."""
    millions = per_day * DAYS / _MILLION
    header = f"{'':32}{'USD a month':>16}{'USD a million':>16}"
    found = table(per_day, holders, batch, banks, percent)
    rows = [f"{name:32}{usd:16,.2f}{usd / millions:16,.2f}" for name, usd in found]
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
    parser.add_argument("--batch", type=_batch, default=1, help=f"in a request, 1 to {MAX_BATCH} (default: 1)")
    parser.add_argument("--banks", type=at_least_one, default=1, help="banks, equally busy (default: 1)")
    parser.add_argument(
        "--steady",
        metavar="PERCENT",
        nargs="?",
        type=_percent,
        const=steady.PERCENT,
        help=f"the stage keeps capacity, of which so much is used (without a number: {steady.PERCENT})",
    )
    options = parser.parse_args(arguments)
    return run("price", lambda: _print(options))


def _print(options: argparse.Namespace) -> int:
    print(printed(options.per_day, options.holders, options.batch, options.banks, options.steady))
    print()
    print(needs.printed(options.per_day, options.holders, options.batch, options.steady))
    return 0


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not (number.is_finite() and 0 < number <= 10**12):
        raise argparse.ArgumentTypeError("must be a number over 0, and at most 10^12")
    return number


def _percent(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 100:
        raise argparse.ArgumentTypeError("must be from 1 to 100 percent")
    return int(text)


def _batch(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MAX_BATCH:
        raise argparse.ArgumentTypeError(f"must be from 1 to {MAX_BATCH}, as a request takes them")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
