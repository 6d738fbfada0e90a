"""The routes of cases: what a bank's staff does about flagged transactions."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from chalice.app import Request, Response

from chalicelib.api import cursors
from chalicelib.api.conditions import check_match, entity_tag
from chalicelib.api.json_body import MAX_BYTES, check, parse_json
from chalicelib.api.requests import flag, identifier, json_answer, only_parameters, page_limit, sent_body
from chalicelib.api.staff_requests import author_of_staff
from chalicelib.audit.looks import Looks
from chalicelib.audit.trail import Trail
from chalicelib.cases import moves
from chalicelib.cases.case import STAFF, Actor, Case, Outcome, State
from chalicelib.cases.moves import MAX_NOTE
from chalicelib.errors import ValidationFailed
from chalicelib.ledger.messages import unknown
from chalicelib.ledger.visible_text import BLANK_TEXT, has_something_visible
from chalicelib.ledger.wording import normalised
from chalicelib.staff.member import Group, StaffMember

if TYPE_CHECKING:
    from chalicelib.cases.desk import CaseDesk, Move
    from chalicelib.cases.queue_repository import CaseQueue
    from chalicelib.cases.repository import CaseRepository

_MINE_RULE = "Goes with the state claimed alone."


def list_cases(
    member: StaffMember, request: Request, *, queue: "CaseQueue", cursor_secret: Callable[[], str]
) -> Response:
    """Answer `GET /staff/cases`: the bank's cases in a state, and how many wait. Raises InvalidCursor."""
    only_parameters(request, "state", "mine", "limit", "cursor")
    parameters = request.query_params or {}
    is_mine = flag(request, "mine")
    errors: list[tuple[str, str]] = []
    limit = page_limit(parameters, errors)
    state = parameters.get("state", "claimed" if is_mine else "open")
    if state not in set(State):
        errors.append(("state", f"Must be one of {', '.join(State)}."))
    elif is_mine and state != State.CLAIMED:
        errors.append(("mine", _MINE_RULE))
    if errors:
        raise ValidationFailed(errors)
    bank = member.bank.id
    subject = member.subject if is_mine else ""
    issued_for = [bank, "cases", state, subject]
    position = ""
    if "cursor" in parameters:
        position = cursors.position_in(parameters["cursor"], cursor_secret(), issued_for)
    cases, following = queue.page(bank, State(state), limit, position, subject)
    waiting = queue.waiting(bank)
    answer: dict[str, Any] = {
        "cases": [case.to_json() for case in cases],
        "counts": {"open": waiting.open, "claimed": waiting.claimed, "not_recognized": waiting.not_recognized},
    }
    if following:
        answer["next_cursor"] = cursors.sign(cursor_secret(), issued_for, following)
    return json_answer(answer)


def get_case(member: StaffMember, case_id: str, request: Request, *, cases: "CaseRepository", looks: Looks) -> Response:
    """Answer `GET /staff/cases/{case_id}`, noted as a look at the transaction. Raises CaseNotFound."""
    only_parameters(request)
    case = cases.get(member.bank.id, _id(case_id))
    looks.note(author_of_staff(request, member), case.bank, "transaction.viewed", "transaction", case.id)
    return _answer(case)


def claim_next(member: StaffMember, request: Request, *, desk: "CaseDesk", trail: Trail) -> Response:
    """Answer `POST /staff/next-case`: the heaviest, oldest open case is the member's now. Raises NoOpenCase."""
    only_parameters(request)
    changes = trail.by(author_of_staff(request, member), member.bank.id)
    case = desk.claim_next(member.bank.id, _actor(member), lambda case: changes.of_transaction("case.claim", case.id))
    return _answer(case)


def claim_case(member: StaffMember, case_id: str, request: Request, *, desk: "CaseDesk", trail: Trail) -> Response:
    """Answer `POST /staff/cases/{case_id}/claim`. Raises CaseClaimed and CaseClosed."""
    only_parameters(request)
    by = _actor(member)
    return _changed(member, case_id, request, "claim", lambda case, now: moves.claim(case, by, now), desk, trail)


def release_case(member: StaffMember, case_id: str, request: Request, *, desk: "CaseDesk", trail: Trail) -> Response:
    """Answer `POST /staff/cases/{case_id}/release`. Raises CaseNotYours, unless an admin asks, and CaseClosed."""
    only_parameters(request)
    release = partial(moves.release, is_admin=Group.ADMIN in member.groups)
    by = _actor(member)
    return _changed(member, case_id, request, "release", lambda case, now: release(case, by, now), desk, trail)


def note_case(member: StaffMember, case_id: str, request: Request, *, desk: "CaseDesk", trail: Trail) -> Response:
    """Answer `POST /staff/cases/{case_id}/notes`. Raises CaseFull."""
    only_parameters(request)
    text = note_in(_body(request))
    by = _actor(member)
    return _changed(member, case_id, request, "note", lambda case, now: moves.note(case, by, now, text), desk, trail)


def close_case(member: StaffMember, case_id: str, request: Request, *, desk: "CaseDesk", trail: Trail) -> Response:
    """Answer `POST /staff/cases/{case_id}/close`. Raises CaseNotYours, CaseClosed and CaseFull."""
    only_parameters(request)
    outcome, text = outcome_in(_body(request))
    by = _actor(member)

    def move(case: Case, now: Any) -> Case:
        return moves.close(case, by, now, outcome, text)

    return _changed(member, case_id, request, "close", move, desk, trail)


def reopen_case(member: StaffMember, case_id: str, request: Request, *, desk: "CaseDesk", trail: Trail) -> Response:
    """Answer `POST /staff/cases/{case_id}/reopen`."""
    only_parameters(request)
    by = _actor(member)
    return _changed(member, case_id, request, "reopen", lambda case, now: moves.reopen(case, by, now), desk, trail)


def _changed(
    member: StaffMember, case_id: str, request: Request, what: str, move: "Move", desk: "CaseDesk", trail: Trail
) -> Response:
    changes = trail.by(author_of_staff(request, member), member.bank.id)
    case = desk.change(
        member.bank.id,
        _id(case_id),
        move,
        lambda before: check_match(request, before.to_json_with_history()),
        lambda before: changes.of_transaction(f"case.{what}", before.id),
    )
    return _answer(case)


def _answer(case: Case) -> Response:
    content = case.to_json_with_history()
    return json_answer({"case": content}, headers={"ETag": entity_tag(content)})


def _actor(member: StaffMember) -> Actor:
    return Actor(STAFF, member.subject, member.name)


def _id(encoded: str) -> str:
    return identifier("case_id", encoded)


def _body(request: Request) -> dict[str, Any]:
    # A note may have lines, which `read_json` refuses. Card numbers are refused, as everywhere.
    value = parse_json(*sent_body(request), MAX_BYTES)
    check(value, is_free=True)
    return value


def note_in(body: dict[str, Any]) -> str:
    """Return the note in a body, without control characters; raises ValidationFailed."""
    (text,) = _texts(body, ("text",))
    return text


def outcome_in(body: dict[str, Any]) -> tuple[Outcome, str]:
    """Return the outcome in a body, and the note, which may be empty; raises ValidationFailed."""
    outcome, text = _texts(body, ("outcome",), ("note",))
    if outcome not in set(Outcome):
        raise ValidationFailed([("outcome", f"Must be one of {', '.join(Outcome)}.")])
    return Outcome(outcome), text


def _texts(body: dict[str, Any], required: tuple[str, ...], optional: tuple[str, ...] = ()) -> list[str]:
    """Return the body's texts in this order, without control characters; raises ValidationFailed."""
    known = (*required, *optional)
    errors = [(name, unknown("field", name, known)) for name in body if name not in known]
    errors += [(name, "Is required.") for name in required if name not in body]
    found = []
    for name in known:
        text = body.get(name, "")
        if not isinstance(text, str):
            errors.append((name, "Must be a text."))
            continue
        cleaned = "\n".join(map(normalised, text.splitlines())).strip("\n")
        if name in body and not has_something_visible(cleaned):
            errors.append((name, BLANK_TEXT))
        if len(text) > MAX_NOTE:
            errors.append((name, f"Must be at most {MAX_NOTE} characters."))
        found.append(cleaned)
    if errors:
        raise ValidationFailed(errors)
    return found
