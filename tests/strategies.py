"""Hypothesis strategies for transactions."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from chalicelib.ledger.keys import IDENTIFIER
from chalicelib.ledger.money import CURRENCY_DECIMALS
from chalicelib.ledger.transaction import STATUSES, TYPES, Transaction
from chalicelib.ledger.wording import normalised

WORDS = (
    st.text(st.characters(exclude_categories=["Cc", "Cs", "Nd"]), min_size=1, max_size=30).map(normalised).filter(bool)
)
IDS = st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True).filter(IDENTIFIER.fullmatch)
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2026, 1, 9), timezones=st.just(UTC))  # noqa: DTZ001 hypothesis adds it
DAYS = st.dates(date(1970, 1, 1))
COUNTRY = st.sampled_from(["CM", "FR", "XK"])


@st.composite
def transactions(draw: st.DrawFn) -> Transaction:
    currency = draw(st.sampled_from(sorted(CURRENCY_DECIMALS)))

    def amounts(least: int) -> st.SearchStrategy[Decimal]:
        places = st.integers(0, CURRENCY_DECIMALS[currency])
        units = st.integers(least, 10**15 - 1)
        return st.builds(lambda value, scale: Decimal(value).scaleb(-scale), units, places)

    def objects(**values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
        return st.fixed_dictionaries({}, optional=values).filter(bool)

    status = draw(st.sampled_from(STATUSES))
    optional: dict[str, st.SearchStrategy[Any]] = {
        "authorization_id": IDS,
        "merchant": objects(name=WORDS, mcc=st.just("5411"), country=COUNTRY, id=WORDS, terminal_id=WORDS),
        "description": WORDS,
        "balance": amounts(-(10**15) + 1),
        "card_last4": st.from_regex(r"[0-9]{4}", fullmatch=True),
        "booking_date": DAYS,
        "value_date": DAYS,
        "original": st.fixed_dictionaries(
            {"amount": amounts(1), "currency": st.just(currency)},
            optional={"rate": st.builds(lambda value: Decimal(f"{value}E-22"), st.integers(1, 10**37 - 1))},
        ),
        "counterparty": objects(name=WORDS, account=WORDS),
        "reference": WORDS,
        "notify": st.just(False),
        "metadata": st.dictionaries(WORDS, WORDS | st.just(""), min_size=1, max_size=20),
    }
    if status == "reversed":
        optional["reversal_of"] = IDS
    if status == "declined":
        optional["decline_reason"] = WORDS
    return Transaction(
        bank=draw(st.sampled_from(["eazycard", "other-bank"])),
        id=draw(IDS),
        account=draw(IDS),
        amount=draw(amounts(1)),
        type=draw(st.sampled_from(TYPES)),
        timestamp=draw(MOMENTS),
        currency=currency,
        status=status,
        recorded_at=draw(MOMENTS),
        **draw(st.fixed_dictionaries({}, optional=optional)),
    )


def json_texts(
    scalars: st.SearchStrategy[str], names: st.SearchStrategy[str], max_leaves: int = 100
) -> st.SearchStrategy[str]:
    """Return texts of JSON: of these scalars' texts, in lists, and in objects with these names, some of them twice."""
    return st.recursive(
        scalars,
        lambda inner: (
            st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]")
            | st.lists(st.tuples(names.map(json.dumps), inner), max_size=3).map(
                lambda pairs: "{" + ",".join(f"{name}:{value}" for name, value in pairs) + "}"
            )
        ),
        max_leaves=max_leaves,
    )
