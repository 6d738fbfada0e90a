"""The operations on cases, for a bank's staff."""

from collections.abc import Mapping, Sequence

from chalicelib.api.staff_flags import DEFAULT_DAYS_OF_TRIAL, MOST_IN_TRIAL
from chalicelib.cases.case import State
from chalicelib.staff.member import Group
from openapi.json_schema import Json, ref
from openapi.operation import LIMIT, answer, operation, parameter

_LISTED: Json = {
    "id": "1",
    "transaction": "1",
    "account": "A123",
    "amount": "250",
    "currency": "XAF",
    "type": "debit",
    "merchant": "Marché Central",
    "timestamp": "2026-01-10T14:00:00Z",
    "flags": ["velocity"],
    "state": "claimed",
    "weight": 1030,
    "opened_at": "2026-01-10T14:00:01Z",
    "claimed_by": {"subject": "5a1c2f0e-8d3b-4c55-9b1e-2f6f0a7d9c11", "name": "Awa Ndiaye"},
    "claimed_at": "2026-01-10T14:05:00Z",
    "outcome": None,
    "closed_at": None,
    "answers": [{"holder": "awa", "answer": "not_recognized", "answered_at": "2026-01-10T14:04:00Z"}],
}
_HISTORY: list[Json] = [
    {"at": "2026-01-10T14:00:01Z", "by": {"kind": "system", "id": "flags"}, "what": "opened"},
    {
        "at": "2026-01-10T14:04:00Z",
        "by": {"kind": "holder", "id": "awa"},
        "what": "answered",
        "answer": "not_recognized",
    },
    {
        "at": "2026-01-10T14:05:00Z",
        "by": {"kind": "staff", "id": "5a1c2f0e-8d3b-4c55-9b1e-2f6f0a7d9c11", "name": "Awa Ndiaye"},
        "what": "claimed",
    },
]
_CASE: Json = {"case": {**_LISTED, "history": _HISTORY}}
_CASES: Json = {"cases": [_LISTED], "counts": {"open": 0, "claimed": 1, "not_recognized": 0}}


_COUNTS: Json = {
    "flagged": 12,
    "shadow": 0,
    "fraud": 3,
    "legitimate": 1,
    "unclear": 1,
    "recognized": 2,
    "not_recognized": 3,
    "open": 7,
    "precision": "0.75",
}
_PRECISION: Json = {"from": "2026-01-01", "to": "2026-01-31", "is_complete": True, "rules": {"velocity": _COUNTS}}


def get_precision() -> Json:
    return operation(
        "getPrecision",
        "Staff",
        "Get how often each rule was right",
        "Of the transactions of some days, by their own time (UTC): 31 days unless it is said, 92 at most. What "
        "staff found counts; where they found nothing, or it is `unclear`, what the holders say.",
        answers={200: answer("The counts of each rule.", ref("Precision"), _PRECISION)},
        parameters=[
            parameter("query", "from", "The first day.", {"type": "string", "format": "date"}),
            parameter("query", "to", "The last day.", {"type": "string", "format": "date"}),
        ],
        group=Group.VIEWER,
    )


_TRIAL: Json = {
    "transactions": 1820,
    "from": "2026-01-01T12:00:00Z",
    "to": "2026-01-15T12:00:00Z",
    "is_complete": True,
    "rules": {
        "velocity": {
            "now": {"flagged": 31, "fraud": 18, "legitimate": 6, "unclear": 1, "unlabelled": 6},
            "then": {"flagged": 24, "fraud": 17, "legitimate": 2, "unclear": 1, "unlabelled": 4},
        }
    },
}


def try_settings() -> Json:
    return operation(
        "trySettings",
        "Staff",
        "Try other thresholds on the last transactions",
        f"Judges the bank's newest transactions of some days ({DEFAULT_DAYS_OF_TRIAL} unless it is said) by the "
        f"present settings and by the changed ones, beside what is known of them: at most {MOST_IN_TRIAL:,}, or as "
        "many as there is time for. Rules in shadow are counted, too. Each account's history begins with the first of "
        "these transactions, so there are fewer flags than there were. Nothing is saved.",
        answers={200: answer("What each rule flags now, and what it would have flagged.", ref("Trial"), _TRIAL)},
        body=("TrialRequest", {"velocity": {"settings": {"flags": {"velocity": {"count": 10}}}, "days": 14}}),
        group=Group.ANALYST,
    )


def list_cases() -> Json:
    return operation(
        "listCases",
        "Staff",
        "List the bank's cases",
        "Open ones by weight and then age; claimed ones by who has them; closed ones by time, newest first.",
        answers={200: answer("The cases.", ref("Cases"), _CASES)},
        parameters=[
            parameter(
                "query",
                "state",
                "The state. `open` unless it is given, `claimed` with `mine`.",
                {"type": "string", "enum": [str(one) for one in State]},
            ),
            parameter("query", "mine", "Only what the member has claimed.", {"type": "boolean", "default": False}),
            parameter("query", "cursor", "`next_cursor` of the previous page.", {"type": "string"}),
            LIMIT,
        ],
        codes=["invalid_cursor"],
        group=Group.VIEWER,
    )


def get_case() -> Json:
    return operation(
        "getCase",
        "Staff",
        "Get a case with its history",
        answers={200: answer("The case.", ref("OneCase"), _CASE, headers=["ETag"])},
        parameters=["case_id"],
        codes=["case_not_found"],
        group=Group.VIEWER,
    )


def claim_next() -> Json:
    return operation(
        "claimNextCase",
        "Staff",
        "Claim the next case",
        "Claims the heaviest open case, of those the oldest.",
        answers={200: answer("The case, claimed.", ref("OneCase"), _CASE, headers=["ETag"])},
        codes=["no_open_case"],
        group=Group.ANALYST,
    )


def claim_case() -> Json:
    return _change(
        "claimCase",
        "Claim a case",
        "Of two who claim it at once, one gets it. Claiming one's own case again changes nothing.",
        codes=["case_claimed", "case_closed"],
    )


def release_case() -> Json:
    return _change(
        "releaseCase",
        "Give a case back to the queue",
        "Only who has claimed it, or an admin.",
        codes=["case_not_yours", "case_closed"],
    )


def note_case() -> Json:
    return _change(
        "noteCase",
        "Add a note to a case",
        "Whatever its state.",
        codes=["case_full"],
        body=("CaseNote", {"note": {"text": "Called the holder: nobody answers."}}),
    )


def close_case() -> Json:
    return _change(
        "closeCase",
        "Close a case with its outcome",
        "Only who has claimed it. A holder's later \"it wasn't me\" opens it again, unless the outcome is `fraud`.",
        codes=["case_not_yours", "case_closed", "case_full"],
        body=("CaseOutcome", {"fraud": {"outcome": "fraud", "note": "The card is blocked."}}),
    )


def reopen_case() -> Json:
    return _change("reopenCase", "Put a closed case back into the queue", "Without its outcome.", codes=[])


def _change(
    operation_id: str,
    summary: str,
    description: str,
    codes: Sequence[str],
    body: tuple[str, Mapping[str, Json]] | None = None,
) -> Json:
    return operation(
        operation_id,
        "Staff",
        summary,
        description,
        answers={200: answer("The case after it.", ref("OneCase"), _CASE, headers=["ETag"])},
        parameters=["case_id", "if_match"],
        body=body,
        codes=["case_not_found", "precondition_failed", *codes],
        group=Group.ANALYST,
    )
