"""Hypothesis strategies for transactions."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from chalicelib.ledger.fields import STATUSES, TYPES
from chalicelib.ledger.money import CURRENCY_DECIMALS
from chalicelib.ledger.transaction import Transaction

WORDS = st.text(st.characters(exclude_categories=["Cc", "Cs", "Nd"]), min_size=1, max_size=30)
IDS = st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True)
MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(2026, 1, 9), timezones=st.just(UTC))  # noqa: DTZ001 hypothesis adds it


@st.composite
def transactions(draw: st.DrawFn) -> Transaction:
    currency = draw(st.sampled_from(sorted(CURRENCY_DECIMALS)))

    def amounts(least: int) -> st.SearchStrategy[Decimal]:
        places = st.integers(0, CURRENCY_DECIMALS[currency])
        units = st.integers(least, 10**15 - 1)
        return st.builds(lambda value, scale: Decimal(value).scaleb(-scale), units, places)

    optional: dict[str, Any] = {
        "authorization_id": IDS,
        "merchant": st.fixed_dictionaries(
            {}, optional={"name": WORDS, "mcc": st.just("5411"), "country": st.just("CM")}
        ),
        "description": WORDS | st.just(""),
        "balance": amounts(-(10**15) + 1),
        "card_last4": st.from_regex(r"[0-9]{4}", fullmatch=True),
        "metadata": st.dictionaries(WORDS, WORDS, max_size=20),
    }
    return Transaction(
        bank=draw(st.sampled_from(["eazycard", "other-bank"])),
        id=draw(IDS),
        account=draw(IDS),
        amount=draw(amounts(1)),
        type=draw(st.sampled_from(TYPES)),
        timestamp=draw(MOMENTS),
        currency=currency,
        status=draw(st.sampled_from(STATUSES)),
        recorded_at=draw(MOMENTS),
        **draw(st.fixed_dictionaries({}, optional=optional)),
    )
