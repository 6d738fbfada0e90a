"""MT940 text cut into its fields, and the fields of one value each: dates, amounts, balances.

The grammar of a field is that of the library `mt-940`. The cutting is done here: the library stops at the first field
that it can't read, and takes two entries for one where the first has no type code.
"""

import contextlib
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from mt940.models import Transactions
from mt940.options import Options
from mt940.processors import date_fixup_pre_processor
from mt940.tags import BalanceBase, StatementASNB, StatementGLS, Tag

from bank_simulator.files.entries import Balance, NotMapped

# The library logs the account data that it can't read.
logging.getLogger("mt940").setLevel(logging.CRITICAL + 1)

# Some banks break the line between the colon and the tag.
_TAG = re.compile(r"^:\n?(?P<tag>13D?|20|21|25P?|28C?|34F|60[FM]?|61|62[FM]?|64|65|86|90[CD]|NS):", re.MULTILINE)
# Messages that were joined to one file may end their lines in different ways; some programs write CR CR LF.
_LINE_END = re.compile(r"\r+\n|\r")
_END_OF_MESSAGE = re.compile(r"^(-(\}.*|X*)?|\{[1-5]:.*)$", re.MULTILINE)
_CURRENCY = re.compile(r"[A-Z]{3}")
_REFERENCE_LENGTH = 16
_FIRST_YEAR_OF_1900 = "80"  # SWIFT's rule: 80 to 99 are 1980 to 1999
_LINE_TAGS: tuple[Tag, ...] = (StatementGLS(), StatementASNB())
_BALANCE_TAG = BalanceBase()


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the file: `:tag:value`, which begins in this line of the file."""

    tag: str
    value: str
    line: int


def fields(text: str) -> Iterator[Field]:
    """Return the file's fields in their order, without what stands between the messages."""
    text = _LINE_END.sub("\n", text)
    # Messages that were joined to one file bring their byte order marks along.
    text = "\n".join(line.removeprefix("\ufeff").rstrip() for line in text.split("\n"))
    found = list(_TAG.finditer(text))
    ends = [*(match.start() for match in found[1:]), len(text)]
    line, counted = 1, 0
    for match, end in zip(found, ends, strict=False):
        line += text.count("\n", counted, match.start())
        counted = match.start()
        value = text[match.end() : end]
        over = _END_OF_MESSAGE.search(value)
        yield Field(match["tag"], (value[: over.start()] if over else value).strip("\n"), line)


def decoded(data: bytes) -> tuple[str, bool]:
    """Return the file's text, and whether it was UTF-8; SWIFT's own characters are in both encodings."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace"), True
    try:
        return data.decode("utf-8-sig"), True
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace"), False


def statement_line(value: str) -> dict[str, Any]:
    """Return the parts of a `:61:` field, as the library names them; raises NotMapped.

    `date` is the value date, and `entry_date` the entry date, if there is one. A text behind the references is
    `extra_details`.
    """
    first, *rest = value.strip().split("\n")
    text = "\n".join([first, " ".join(rest)]) if rest else first
    context = Transactions(options=Options.all())
    for tag in _LINE_TAGS:
        try:
            parts = _with_dates(context, tag, tag.parse(context, text))
        except RuntimeError:
            continue
        except InvalidOperation:
            raise NotMapped("its amount is no number") from None
        except ValueError:
            raise NotMapped("its date is no date of the calendar") from None
        # Without a type, anything behind the amount could be the rest of it: 5 of 5.50.
        if parts.get("id") or not parts.get("customer_reference"):
            return _with_split_reference(parts)
        break
    raise NotMapped("this :61: line doesn't have the form date, mark, amount, type, references")


def _with_dates(context: Transactions, tag: Tag, found: dict[str, Any]) -> dict[str, Any]:
    found["year"] = f"{'19' if found['year'] >= _FIRST_YEAR_OF_1900 else '20'}{found['year']}"
    # The library takes the value date's year for dates up to 329 days apart.
    month, day = found.pop("entry_month") or "", found.pop("entry_day") or ""
    parts: dict[str, Any] = tag(context, date_fixup_pre_processor(context, tag, found))
    value_date = date(parts["date"].year, parts["date"].month, parts["date"].day)
    entry_date = _nearest(value_date, int(month), int(day)) if month.isdigit() and day.isdigit() else None
    return parts | {"date": value_date, "entry_date": entry_date}


def _nearest(value_date: date, month: int, day: int) -> date:
    """Return the day of the calendar that is nearest to the value date; raises ValueError if there is none."""
    days = []
    for year in (value_date.year, value_date.year - 1, value_date.year + 1):
        with contextlib.suppress(ValueError):
            days.append(date(year, month, day))
    return min(days, key=lambda found: abs(found - value_date))


def _with_split_reference(parts: dict[str, Any]) -> dict[str, Any]:
    # Without a line end between them, a text follows the reference, which is padded to its full length.
    reference = parts.get("customer_reference") or ""
    if len(reference) > _REFERENCE_LENGTH and reference[_REFERENCE_LENGTH - 1] == " ":
        rest = f"{reference[_REFERENCE_LENGTH:].strip()} {parts.get('extra_details') or ''}".strip()
        return parts | {"customer_reference": reference[:_REFERENCE_LENGTH], "extra_details": rest}
    return parts


def balance(value: str) -> Balance:
    """Return the balance in a `:60x:` or `:62x:` field; raises NotMapped."""
    context = Transactions(options=Options.all())
    try:
        parts = _BALANCE_TAG.parse(context, value)
        amount = Decimal((parts["amount"] or "").replace(",", "."))
    except (RuntimeError, InvalidOperation):
        raise NotMapped("this balance doesn't have the form mark, date, currency, amount") from None
    currency = (parts["currency"] or "").upper()
    if not _CURRENCY.fullmatch(currency):
        raise NotMapped("this balance names no currency")
    return Balance(-amount if (parts["status"] or "").upper() == "D" else amount, currency)
