"""The routes of an account's holders: their bank enrols, reads and erases them."""

from datetime import datetime
from urllib.parse import unquote

from chalice.app import Request, Response

from chalicelib.api.json_body import read_json
from chalicelib.api.requests import identifier, json_answer, only_parameters, sent_body
from chalicelib.banks.bank import Bank
from chalicelib.errors import CardNumberRefused, HolderNotFound
from chalicelib.holders.enrolment import Enrolment
from chalicelib.holders.holder import load_holder, to_json
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
    statement_index: StatementIndex,
    now: datetime,
) -> Response:
    """Answer `PUT /accounts/{account}/holders/{holder}`: 201 for a new holder, 200 for a replaced one."""
    only_parameters(request)
    account, holder_id = identifier("account", account), identifier("holder", holder_id)
    for field, value in (("account", account), ("holder", holder_id)):
        if holds_card_number(value):  # a card number in the path would be stored too
            raise CardNumberRefused(field)
    holder = load_holder(read_json(*sent_body(request)), holder_id, now)
    statement_index.enter(bank.id, account, holder, now)
    holder, is_new = enrolment.enrol(bank.id, account, holder)
    return json_answer(to_json(holder.as_of(now)), 201 if is_new else 200)


def list_holders(bank: Bank, account: str, request: Request, *, holders: HolderRepository, now: datetime) -> Response:
    """Answer `GET /accounts/{account}/holders`: the holders, ordered by id; an empty list for an unknown account."""
    only_parameters(request)
    found = holders.of_account(bank.id, identifier("account", account))
    return json_answer({"holders": [to_json(holder.as_of(now)) for holder in found]})


def get_holder(
    bank: Bank, account: str, holder_id: str, request: Request, *, holders: HolderRepository, now: datetime
) -> Response:
    """Answer `GET /accounts/{account}/holders/{holder}`: the holder. Raises HolderNotFound."""
    only_parameters(request)
    wanted = unquote(holder_id)
    for holder in holders.of_account(bank.id, identifier("account", account)):
        if holder.id == wanted:
            return json_answer(to_json(holder.as_of(now)))
    raise HolderNotFound


def delete_holder(bank: Bank, account: str, holder_id: str, request: Request, *, enrolment: Enrolment) -> Response:
    """Answer `DELETE /accounts/{account}/holders/{holder}`: erases the holder's data. Raises HolderNotFound."""
    only_parameters(request)
    wanted = unquote(holder_id)
    if not IDENTIFIER.fullmatch(wanted):
        raise HolderNotFound
    enrolment.erase(bank.id, identifier("account", account), wanted)
    return Response("", {}, 204)


def lift_suppression(
    bank: Bank, account: str, holder_id: str, request: Request, *, enrolment: Enrolment, now: datetime
) -> Response:
    """Answer `DELETE /accounts/{account}/holders/{holder}/suppression`: e-mails go to the holder's address again.

    Raises HolderNotFound, NotSuppressed, LiftedLately.
    """
    only_parameters(request)
    enrolment.lift(bank.id, identifier("account", account), unquote(holder_id), now)
    return Response("", {}, 204)
