"""Staff's searches: a bank's transactions by anything that is known of them, and its holders by their address."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from chalice.app import Request, Response

from chalicelib.api import cursors
from chalicelib.api.requests import choice, json_answer, only_parameters, page_limit, time_span
from chalicelib.api.staff_requests import author_of_staff
from chalicelib.api.transactions import with_flags
from chalicelib.audit.looks import Looks
from chalicelib.audit.trail import Trail
from chalicelib.banks.bank import Bank
from chalicelib.banks.thresholds import FLAGS
from chalicelib.errors import TransactionNotFound, ValidationFailed
from chalicelib.flags.repository import FlagRepository
from chalicelib.holders.address import Address
from chalicelib.holders.finding_repository import HolderFinder
from chalicelib.holders.holder import to_json
from chalicelib.ledger.email_address import MAX_ADDRESS
from chalicelib.ledger.keys import IDENTIFIER, IDENTIFIER_RULE
from chalicelib.ledger.money import CURRENCY_DECIMALS, currency_error
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.ledger.search import Found, Search
from chalicelib.ledger.search_repository import MOST_ACCOUNTS, SearchRepository
from chalicelib.ledger.times import format_time
from chalicelib.ledger.transaction import STATUSES, TYPES
from chalicelib.staff.member import StaffMember

_IDS = ("id", "account", "holder")
_FILTERS = (*_IDS, "email", "status", "type", "flag", "currency", "min_amount", "max_amount", "from", "to")
# By what the trail calls a look at each, and what its keyed hash is made of.
_LOOKED_AT = {
    "id": ("transaction.viewed", "transaction"),
    "account": ("account.viewed", "account"),
    "holder": ("holder.searched", "holder"),
}
_AMOUNT = re.compile(r"[0-9]{1,15}(\.[0-9]{1,9})?")
HOLDERS_A_PAGE = 50


def search_transactions(
    member: StaffMember,
    request: Request,
    *,
    search: SearchRepository,
    transactions: TransactionRepository,
    flags: FlagRepository,
    finder: HolderFinder,
    trail: Trail,
    looks: Looks,
    cursor_secret: Callable[[], str],
) -> Response:
    """Answer `GET /staff/transactions`: what all filters say, newest first, with flags, a page at a time.

    The search is noted in the audit trail: it shows as much as the pages do. Raises ValidationFailed, InvalidCursor.
    """
    only_parameters(request, *_FILTERS, "limit", "cursor")
    parameters, bank = request.query_params or {}, member.bank
    wanted = _search(parameters)
    issued_for = search_cursor_of(bank, parameters)
    if "cursor" in parameters:
        wanted = replace(wanted, before=cursors.position_in(parameters["cursor"], cursor_secret(), issued_for))
    if "email" in parameters:
        _note_search(member, request, parameters["email"], trail)
    _note_looks(member, request, parameters, looks)
    wanted = replace(wanted, accounts=_accounts(bank.id, parameters, finder))
    if "id" in parameters:
        found = _by_id(bank.id, parameters["id"], wanted, transactions, flags)
    else:
        found = search.find(bank.id, wanted)
    answer: dict[str, Any] = {"transactions": with_flags(found.transactions, flags)}
    if found.next_position is not None:
        answer["next_cursor"] = cursors.sign(cursor_secret(), issued_for, found.next_position)
    if found.searched_to is not None:
        answer["searched_to"] = format_time(found.searched_to)
    return json_answer(answer)


def search_cursor_of(bank: Bank, parameters: Mapping[str, str]) -> list[Any]:
    """Return what a cursor of the search with these parameters is issued for. It holds no address."""
    shown = {name: parameters[name] for name in _FILTERS if name in parameters}
    if "email" in shown:
        shown["email"] = Address.of(bank.id, shown["email"]).digest
    return [bank.id, "search", *(shown.get(name) for name in _FILTERS)]


def find_holders(
    member: StaffMember,
    request: Request,
    *,
    finder: HolderFinder,
    trail: Trail,
    cursor_secret: Callable[[], str],
    now: datetime,
) -> Response:
    """Answer `GET /staff/holders`: the bank's holders with exactly this address, in any spelling, by account.

    The search is noted in the audit trail, with a hash of the address. Raises ValidationFailed, InvalidCursor.
    """
    only_parameters(request, "email", "cursor")
    parameters, bank = request.query_params or {}, member.bank
    if "email" not in parameters:
        raise ValidationFailed([("email", "Is required.")])
    errors = list(_email_errors(parameters))
    if errors:
        raise ValidationFailed(errors)
    issued_for = [bank.id, "holders", Address.of(bank.id, parameters["email"]).digest]
    after = cursors.position_in(parameters["cursor"], cursor_secret(), issued_for) if "cursor" in parameters else ""
    _note_search(member, request, parameters["email"], trail)
    found, more = finder.with_address(bank.id, parameters["email"], HOLDERS_A_PAGE, after)
    listed = [{"account": one.account, "holder": to_json(one.holder.as_of(now))} for one in found]
    cursor = {"next_cursor": cursors.sign(cursor_secret(), issued_for, more)} if more else {}
    return json_answer({"holders": listed, **cursor})


def _search(parameters: Mapping[str, str]) -> Search:
    errors: list[tuple[str, str]] = []
    errors += [(name, IDENTIFIER_RULE) for name in _IDS if not IDENTIFIER.fullmatch(parameters.get(name, "x"))]
    errors += _email_errors(parameters)
    start, end = time_span(parameters, errors)
    type_, status = choice(parameters, "type", TYPES, errors), choice(parameters, "status", STATUSES, errors)
    flag = choice(parameters, "flag", FLAGS, errors)
    currency = parameters.get("currency")
    if currency is not None and currency not in CURRENCY_DECIMALS:
        errors.append(("currency", currency_error(currency)))
    least, most = _amount("min_amount", parameters, errors), _amount("max_amount", parameters, errors)
    if least is not None and most is not None and least > most:
        errors.append(("min_amount", "Must not be over `max_amount`."))
    limit = page_limit(parameters, errors)
    if errors:
        raise ValidationFailed(errors)
    return Search(
        start=start,
        end=end,
        type=type_,
        status=status,
        currency=currency,
        min_amount=least,
        max_amount=most,
        flag=flag,
        limit=limit,
    )


def _amount(name: str, parameters: Mapping[str, str], errors: list[tuple[str, str]]) -> Decimal | None:
    text = parameters.get(name)
    if text is None or _AMOUNT.fullmatch(text):
        return Decimal(text) if text else None
    errors.append((name, "Must be a decimal like 250.50: at most 15 digits, and 9 decimals."))
    return None


def _email_errors(parameters: Mapping[str, str]) -> list[tuple[str, str]]:
    email = parameters.get("email", "x@x")
    is_one = "@" in email and len(email) <= MAX_ADDRESS
    return [] if is_one else [("email", f"Must be an e-mail address, of at most {MAX_ADDRESS} characters.")]


def _accounts(bank: str, parameters: Mapping[str, str], finder: HolderFinder) -> tuple[str, ...] | None:
    """Return the accounts to look in, None for all."""
    wanted: list[set[str]] = [{parameters["account"]}] if "account" in parameters else []
    for name, find in (("holder", finder.with_id), ("email", finder.with_address)):
        if name in parameters:
            # One more than can be looked in, so that it shows; an account is asked for by itself.
            found, more = find(bank, parameters[name], 100)
            wanted.append({one.account for one in found})
            if more is not None and "account" not in parameters:
                wanted[-1] |= {""}
    if not wanted:
        return None
    accounts = set.intersection(*wanted)
    if len(accounts) > MOST_ACCOUNTS or "" in accounts:
        raise ValidationFailed([("account", f"The holder has more than {MOST_ACCOUNTS} accounts: say which.")])
    return tuple(sorted(accounts))


def _by_id(
    bank: str, transaction_id: str, wanted: Search, transactions: TransactionRepository, flags: FlagRepository
) -> Found:
    try:
        one = transactions.get(bank, transaction_id)
    except TransactionNotFound:
        return Found([])
    is_wanted = wanted.matches(one) and (wanted.flag is None or wanted.flag in flags.of(bank, transaction_id))
    return Found([one] if is_wanted and wanted.before is None else [])


def _note_search(member: StaffMember, request: Request, email: str, trail: Trail) -> None:
    digest = Address.of(member.bank.id, email).digest
    trail.by(author_of_staff(request, member), member.bank.id).of_address("holder.searched", digest)


def _note_looks(member: StaffMember, request: Request, parameters: Mapping[str, str], looks: Looks) -> None:
    """Note what the search looks at, as the pages note it; or, if it names nothing, by what it searches."""
    who, bank = author_of_staff(request, member), member.bank.id
    for name, (action, kind) in _LOOKED_AT.items():
        if name in parameters:
            looks.note(who, bank, action, kind, parameters[name])
    if not {*_LOOKED_AT, "email"} & parameters.keys():
        # Searches by other filters are other looks; of the filters only the names are kept.
        filters = [name for name in _FILTERS if name in parameters]
        looks.note(who, bank, "transaction.searched", "search", *filters, fields=filters)
