"""What the API answers of roll-ups: the contract's example, to the letter."""

from datetime import timedelta
from decimal import Decimal

from chalicelib.analytics.rollups import Sums
from chalicelib.analytics.summary import summary
from chalicelib.banks.thresholds import FLAGS
from chalicelib.ledger.transaction import STATUSES
from tests.rows import NOW, TODAY, added_up, flag_row, row


def test_a_day_with_a_reversal_alone_is_in_the_totals_and_not_in_the_days() -> None:
    answer = summary(added_up([row(type="debit", status="reversed", reversal_of="t0")]))
    (total,) = answer["totals"]
    assert (total["count"], total["net"], total["average"]) == (0, "250.50", "0.00")
    assert "max_transaction" not in total
    assert answer["days"] == []
    assert answer["statuses"] == {**dict.fromkeys(STATUSES, 0), "reversed": 1}


def test_an_answer_is_the_contracts_example_to_the_letter() -> None:
    xaf = {"currency": "XAF", "account": "A123"}
    rows = [
        row(**xaf, id="1", amount=Decimal(250_500)),
        row(**xaf, id="2", amount=Decimal(60_000), type="debit"),
        row(**xaf, id="3", amount=Decimal("30000"), type="debit"),
        row(**xaf, id="4", amount=Decimal("40000"), type="debit", status="reversed", reversal_of="0"),
        row(**xaf, id="5", status="authorized", amount=Decimal(1)),
        row(**xaf, id="6", status="authorized", amount=Decimal(1)),
    ]
    assert summary(added_up(rows)) == {
        "totals": [
            {
                "currency": "XAF",
                "count": 3,
                "credit": {"count": 1, "amount": "250500"},
                "debit": {"count": 2, "amount": "90000"},
                "reversed": {"credit": {"count": 0, "amount": "0"}, "debit": {"count": 1, "amount": "40000"}},
                "net": "200500",
                "average": "113500",
                "max_transaction": {
                    "id": "1",
                    "account": "A123",
                    "amount": "250500",
                    "type": "credit",
                    "timestamp": "2026-01-10T14:00:00Z",
                },
            }
        ],
        "statuses": {"settled": 3, "authorized": 2, "reversed": 1, "declined": 0},
        "flags": dict.fromkeys(FLAGS, 0),
        "days": [{"date": "2026-01-10", "currency": "XAF", "count": 3, "credit": "250500", "debit": "90000"}],
    }


def test_flags_are_answered_over_all_days_and_those_without_a_settlement_are_not_listed() -> None:
    rows = [
        flag_row("velocity", "new_country"),
        flag_row("velocity", id="t2", timestamp=NOW - timedelta(days=1)),
        flag_row("velocity", id="t3", currency="USD"),
        row(id="t4"),
    ]
    answer = summary(added_up(rows))
    assert answer["flags"] == {**dict.fromkeys(FLAGS, 0), "velocity": 3, "new_country": 1}
    assert [(day["date"], day["currency"]) for day in answer["days"]] == [("2026-01-10", "EUR")]
    assert [total["currency"] for total in answer["totals"]] == ["EUR"]


def test_totals_are_by_currency_over_all_days_and_days_are_in_order() -> None:
    rows = [
        row(id="a", amount=Decimal("0.01"), type="debit"),
        row(id="b", amount=Decimal("0.02"), timestamp=NOW - timedelta(days=2)),
        row(id="c", currency="KWD", amount=Decimal("1.5")),
        row(id="d", amount=Decimal("0.02"), timestamp=NOW - timedelta(days=1)),
    ]
    answer = summary(added_up(rows))
    euros, dinars = answer["totals"]
    assert (euros["currency"], euros["count"], euros["net"], euros["average"]) == ("EUR", 3, "0.03", "0.02")
    assert euros["max_transaction"]["id"] == "b"
    assert (dinars["currency"], dinars["average"]) == ("KWD", "1.500")
    assert dinars["credit"] == {"count": 1, "amount": "1.500"}
    assert [(day["date"], day["currency"]) for day in answer["days"]] == [
        ("2026-01-08", "EUR"),
        ("2026-01-09", "EUR"),
        ("2026-01-10", "EUR"),
        ("2026-01-10", "KWD"),
    ]
    nothing = {"statuses": dict.fromkeys(STATUSES, 0), "flags": dict.fromkeys(FLAGS, 0)}
    assert summary({}) == {"totals": [], **nothing, "days": []}


def test_the_largest_sums_are_answered_to_the_last_digit() -> None:
    sums = Sums(10**19, Decimal("9999999999999999999999999999999999.99"), 1, Decimal("0.01"))
    (total,) = summary({TODAY: sums})["totals"]
    assert total["credit"]["amount"] == "9999999999999999999999999999999999.99"
    assert total["net"] == "9999999999999999999999999999999999.98"
    assert "max_transaction" not in total
