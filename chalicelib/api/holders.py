"""The routes of an account's holders: their bank enrols, changes, reads and erases them."""

from datetime import datetime
from typing import Any
from urllib.parse import unquote

from chalice.app import Request, Response

from chalicelib.api.conditions import check_match, entity_tag
from chalicelib.api.json_body import read_json, read_patch
from chalicelib.api.requests import author, identifier, json_answer, only_parameters, sent_body
from chalicelib.audit.entry import Author, changed_fields
from chalicelib.audit.trail import Trail
from chalicelib.banks.bank import Bank
from chalicelib.banks.plans import must_confirm_addresses
from chalicelib.banks.settings import SettingsDirectory
from chalicelib.errors import CardNumberRefused, HolderNotFound
from chalicelib.holders.choice import amendable, amended
from chalicelib.holders.enrolment import Check, Enrolment
from chalicelib.holders.holder import Holder, load_holder, load_patch, to_json
from chalicelib.holders.repository import HolderRepository
from chalicelib.ledger.card_numbers import holds_card_number
from chalicelib.ledger.keys import IDENTIFIER
from chalicelib.statements.index import StatementIndex


def put_holder(
    bank: Bank,
    account: str,
    holder_id: str,
    request: Request,
    *,
    enrolment: Enrolment,
    settings: SettingsDirectory,
    statement_index: StatementIndex,
    trail: Trail,
    now: datetime,
) -> Response:
    """Answer `PUT /accounts/{account}/holders/{holder}`: 201 for a new holder, 200 for a replaced one.

    Of an enrolled holder, what the holder has chosen stays. Raises PreconditionFailed.
    """
    only_parameters(request)
    account, holder_id = identifier("account", account), identifier("holder", holder_id)
    for field, value in (("account", account), ("holder", holder_id)):
        if holds_card_number(value):  # a card number in the path would be stored too
            raise CardNumberRefused(field)
    holder = load_holder(read_json(*sent_body(request)), holder_id, now)
    check = _before_writing("holder.put", bank, account, request, statement_index, trail, now)
    must_confirm = _must_confirm(bank, settings)
    recorded, is_new = enrolment.enrol(bank.id, account, holder, check, must_confirm=must_confirm)
    return _answer(recorded, now, 201 if is_new else 200)


def patch_holder(
    bank: Bank,
    account: str,
    holder_id: str,
    request: Request,
    *,
    enrolment: Enrolment,
    settings: SettingsDirectory,
    statement_index: StatementIndex,
    trail: Trail,
    now: datetime,
) -> Response:
    """Answer `PATCH /accounts/{account}/holders/{holder}`: changes what the merge patch (RFC 7396) names.

    A patch of `preferences` is applied to the bank's own; what the holder has chosen stays. Raises HolderNotFound,
    PreconditionFailed.
    """
    only_parameters(request)
    patch = read_patch(*sent_body(request))
    account, wanted = identifier("account", account), unquote(holder_id)
    if not IDENTIFIER.fullmatch(wanted):
        raise HolderNotFound

    def change(before: Holder) -> Holder:
        return amended(before, load_patch(patch, amendable(before)), now)

    check = _before_writing("holder.patch", bank, account, request, statement_index, trail, now)
    must_confirm = _must_confirm(bank, settings)
    return _answer(enrolment.amend(bank.id, account, wanted, change, check, must_confirm=must_confirm), now)


def list_holders(bank: Bank, account: str, request: Request, *, holders: HolderRepository, now: datetime) -> Response:
    """Answer `GET /accounts/{account}/holders`: the holders, ordered by id; an empty list for an unknown account."""
    only_parameters(request)
    found = holders.of_account(bank.id, identifier("account", account))
    return json_answer({"holders": [_shown(holder, now) for holder in found]})


def get_holder(
    bank: Bank, account: str, holder_id: str, request: Request, *, holders: HolderRepository, now: datetime
) -> Response:
    """Answer `GET /accounts/{account}/holders/{holder}`: the holder. Raises HolderNotFound, PreconditionFailed."""
    only_parameters(request)
    wanted = unquote(holder_id)
    for holder in holders.of_account(bank.id, identifier("account", account)):
        if holder.id == wanted:
            check_match(request, _shown(holder, now))
            return _answer(holder, now)
    raise HolderNotFound


def delete_holder(
    bank: Bank, account: str, holder_id: str, request: Request, *, enrolment: Enrolment, trail: Trail, now: datetime
) -> Response:
    """Answer `DELETE /accounts/{account}/holders/{holder}`: erases the holder's data.

    Raises HolderNotFound, PreconditionFailed.
    """
    only_parameters(request)
    account, wanted = identifier("account", account), unquote(holder_id)
    if not IDENTIFIER.fullmatch(wanted):
        raise HolderNotFound
    changes = trail.by(author(request), bank.id)

    def check(before: Holder | None) -> None:
        if before is not None:
            check_match(request, _shown(before, now))
        changes.of_holder("holder.delete", account, wanted)

    enrolment.erase(bank.id, account, wanted, now, check)
    return Response("", {}, 204)


def lift_suppression(
    bank: Bank,
    account: str,
    holder_id: str,
    request: Request,
    *,
    enrolment: Enrolment,
    trail: Trail,
    now: datetime,
    by: Author | None = None,
) -> Response:
    """Answer `DELETE /accounts/{account}/holders/{holder}/suppression`: e-mails go to the holder's address again.

    The author of the lifting is the bank's key, or `by`. Raises HolderNotFound, NotSuppressed, LiftedLately.
    """
    only_parameters(request)
    account, wanted = identifier("account", account), unquote(holder_id)
    changes = trail.by(by or author(request), bank.id)
    enrolment.lift(
        bank.id, account, wanted, now, lambda _: changes.of_holder("suppression.lift", account, wanted, ["suppressed"])
    )
    return Response("", {}, 204)


def _before_writing(
    action: str,
    bank: Bank,
    account: str,
    request: Request,
    statement_index: StatementIndex,
    trail: Trail,
    now: datetime,
) -> Check:
    """Return what is done before a record is written.

    If-Match is compared, the audit trail gets an entry with this action, and the next statement is expected.
    """
    changes = trail.by(author(request), bank.id)

    def check(before: Holder | None, after: Holder) -> None:
        check_match(request, None if before is None else _shown(before, now))
        fields = changed_fields({} if before is None else amendable(before), amendable(after))
        changes.of_holder(action, account, after.id, fields)
        statement_index.enter(bank.id, account, after, now)

    return check


def _must_confirm(bank: Bank, settings: SettingsDirectory) -> bool:
    return must_confirm_addresses(bank.plan) or settings.of(bank.id).confirm_addresses


def _answer(holder: Holder, now: datetime, status: int = 200) -> Response:
    answer = _shown(holder, now)
    return json_answer(answer, status, {"ETag": entity_tag(answer)})


def _shown(holder: Holder, now: datetime) -> dict[str, Any]:
    """Return the holder as it is answered: a suppression that has lapsed is none."""
    return dict(to_json(holder.as_of(now)))
