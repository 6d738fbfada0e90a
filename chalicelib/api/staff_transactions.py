"""Staff's page of a transaction: all that is known of it, in one answer."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from chalice.app import Request, Response

from chalicelib.api.requests import json_answer, only_parameters
from chalicelib.api.staff_requests import author_of_staff
from chalicelib.api.transactions import with_details
from chalicelib.audit.looks import Looks
from chalicelib.cases.refusals import CaseNotFound
from chalicelib.errors import TransactionNotFound
from chalicelib.flags.baselines_repository import BaselineRepository
from chalicelib.flags.repository import FlagRepository
from chalicelib.flags.usual import usual_amounts
from chalicelib.ledger.keys import IDENTIFIER, account_key
from chalicelib.ledger.purchases_repository import PurchaseRepository
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.ledger.times import format_time
from chalicelib.ledger.transaction import Transaction
from chalicelib.notifications.records import NotificationRecords
from chalicelib.staff.member import StaffMember

if TYPE_CHECKING:
    from chalicelib.cases.repository import CaseRepository
    from chalicelib.webhooks.records import Record, WebhookRecords

# The newest of a transaction's: those of 20 holders, six endpoints and all types are fewer.
MOST_WEBHOOKS = 500


def get_transaction(
    member: StaffMember,
    transaction_id: str,
    request: Request,
    *,
    transactions: TransactionRepository,
    flags: FlagRepository,
    purchases: PurchaseRepository,
    baselines: BaselineRepository,
    notifications: NotificationRecords,
    webhooks: "WebhookRecords",
    looks: Looks,
    cases: "CaseRepository",
) -> Response:
    """Answer `GET /staff/transactions/{id}`: the transaction, and all that has happened because of it.

    The look is noted in the audit trail, and the answer says who looked before. Raises TransactionNotFound.
    """
    only_parameters(request)
    bank, wanted = member.bank.id, unquote(transaction_id)
    if not IDENTIFIER.fullmatch(wanted):
        raise TransactionNotFound
    one = transactions.get(bank, wanted)
    seen_by = looks.note(author_of_staff(request, member), bank, "transaction.viewed", "transaction", wanted)
    perhaps = {"usual": _usual(one, baselines), "case": _case(one, cases)}
    told = notifications.of_transaction_by_key(one.key)
    ids = {key.holder: str(notification["holder"]) for key, notification in told.items()}
    return json_answer(
        {
            "transaction": with_details(one, transactions, flags, purchases),
            **{name: value for name, value in perhaps.items() if value is not None},
            "notifications": list(told.values()),
            "webhooks": [_webhook(record, ids) for record in webhooks.of_transaction(one.key)[-MOST_WEBHOOKS:]],
            "seen_by": [look.to_json() for look in seen_by],
        }
    )


def _usual(one: Transaction, baselines: BaselineRepository) -> dict[str, Any] | None:
    """Return what is usual on the account for a transaction of this currency and type, None if nothing is yet."""
    key = account_key(one.bank, one.account)
    baseline = baselines.of([key]).get(key)
    found = usual_amounts(baseline) if baseline else []
    return next((usual for usual in found if (usual["currency"], usual["type"]) == (one.currency, one.type)), None)


def _case(one: Transaction, cases: "CaseRepository") -> dict[str, Any] | None:
    try:
        return cases.get(one.bank, one.id).to_json_with_history()
    except CaseNotFound:
        return None


def _webhook(record: "Record", ids: Mapping[str, str]) -> dict[str, Any]:
    holder = ids.get(record.key.holder, record.key.holder)
    return {
        "id": record.id,
        "type": record.type,
        **({"holder": holder} if holder else {}),
        "state": record.standing.value,
        "answer": record.answer,
        "attempts": record.attempts,
        "at": format_time(record.updated_at),
        **({"next_at": format_time(record.next_at)} if record.next_at else {}),
    }
