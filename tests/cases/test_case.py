"""What a case says of its transaction, and how it is answered."""

from decimal import Decimal

from chalicelib.cases.case import Outcome, opened
from chalicelib.cases.moves import answered, claim, close
from chalicelib.flags.answers import Answer
from tests.case_world import ANA, NOW, answer, case, flagging


def test_a_new_case_is_open_and_says_what_was_flagged_and_when() -> None:
    found = opened(
        flagging(
            "t1", "velocity", "new_country", shadow=("new_country",), amount=Decimal(250), merchant=None, type="debit"
        )
    )
    assert found.shadow == ("new_country",)
    assert found.to_json_with_history() == {
        "id": "t1",
        "transaction": "t1",
        "account": found.account,
        "amount": "250",
        "currency": "XAF",
        "type": "debit",
        "timestamp": "2026-01-10T14:00:00Z",
        "flags": ["velocity"],
        "state": "open",
        "weight": 30,
        "opened_at": "2026-01-10T14:00:02Z",
        "claimed_at": None,
        "outcome": None,
        "closed_at": None,
        "answers": [],
        "history": [{"at": "2026-01-10T14:00:02Z", "by": {"kind": "system", "id": "flags"}, "what": "opened"}],
    }


def test_a_closed_case_has_its_outcome_its_answers_and_all_that_happened() -> None:
    worked = claim(
        answered(case(), [answer("awa", Answer.NOT_RECOGNIZED)], NOW), ANA, answer("", Answer.RECOGNIZED, 2).at
    )
    closed = close(
        worked, ANA, answer("", Answer.RECOGNIZED, 3).at, Outcome.FRAUD, "Card blocked."
    ).to_json_with_history()
    ana = {"kind": "staff", "id": "sub-ana", "name": "Ana"}
    assert (closed["state"], closed["outcome"]) == ("closed", "fraud")
    assert closed["closed_at"] == "2026-01-10T14:03:02Z"
    assert closed["answers"] == [{"holder": "awa", "answer": "not_recognized", "answered_at": "2026-01-10T14:01:02Z"}]
    assert [event["what"] for event in closed["history"]] == ["opened", "answered", "claimed", "closed"]
    assert closed["history"][1]["by"] == {"kind": "holder", "id": "awa"}
    assert closed["history"][1]["answer"] == "not_recognized"
    assert closed["history"][3] == {
        "at": "2026-01-10T14:03:02Z",
        "by": ana,
        "what": "closed",
        "note": "Card blocked.",
        "outcome": "fraud",
    }


def test_a_claimed_case_names_the_colleague_who_has_it() -> None:
    assert claim(case(), ANA, NOW).to_json()["claimed_by"] == {"subject": "sub-ana", "name": "Ana"}
