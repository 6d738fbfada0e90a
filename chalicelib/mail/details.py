"""The rows of a transaction's e-mail: its details, and what else it has to do with. Only the mailer imports this."""

from decimal import Decimal

from chalicelib.holders.conventions import country, decimal, moment, money, plain, signed
from chalicelib.holders.holder import Holder
from chalicelib.ledger.money import CURRENCY_DECIMALS
from chalicelib.ledger.purchase import Step
from chalicelib.ledger.transaction import Transaction
from chalicelib.mail.parts import phrases_of, verbatim

Rows = list[tuple[str, str]]


def details(transaction: Transaction, holder: Holder, account: str) -> Rows:
    """Return what the bank told of the transaction."""
    locale, balance = holder.locale, transaction.balance
    counterparty = plain((transaction.counterparty or {}).get("name", ""))
    return _rows(
        locale,
        account=account,
        card=f"••••\N{NO-BREAK SPACE}{transaction.card_last4}" if transaction.card_last4 else "",
        merchant=_place(transaction, locale),
        **{"from" if transaction.type == "credit" else "to": counterparty},
        description=plain(transaction.description or ""),
        decline_reason=plain(transaction.decline_reason or ""),
        moment=moment(transaction.timestamp, holder.timezone, locale),
        **_original(transaction, locale),
        balance="" if balance is None else money(balance, transaction.currency, locale),
        payment_reference=verbatim(transaction.reference or ""),
        reference=transaction.id,
    )


def from_authorized_to_final(final: Transaction, authorized: Transaction, step: Step, holder: Holder) -> Rows:
    """Return what was authorized, the final amount, and by how much they differ if they can be compared."""
    locale = holder.locale
    is_comparable = final.currency == authorized.currency
    return _rows(
        locale,
        authorized=money(step.total, authorized.currency, locale),
        final=money(final.amount, final.currency, locale),
        difference=signed(final.amount - step.total, final.currency, locale) if is_comparable else "",
    )


def so_far(authorized: Transaction, step: Step, holder: Holder) -> Rows:
    """Return how the purchase stands: what is authorized by now, and what came of it."""
    amounts = {"authorized": step.authorized, "released": step.released, "settled": step.settled, "left": step.left}
    shown = {
        name: money(amount, authorized.currency, holder.locale)
        for name, amount in amounts.items()
        if amount or name in ("authorized", "left")
    }
    return _rows(
        holder.locale,
        merchant=_place(authorized, holder.locale),
        authorized_at=moment(authorized.timestamp, holder.timezone, holder.locale),
        **shown,
    )


def what_was_reversed(original: Transaction, holder: Holder) -> Rows:
    """Return by what the holder knows the transaction that was reversed."""
    return _rows(
        holder.locale,
        amount=money(original.amount, original.currency, holder.locale),
        merchant=_place(original, holder.locale),
        moment=moment(original.timestamp, holder.timezone, holder.locale),
        reference=original.id,
    )


def _rows(locale: str, **values: str) -> Rows:
    labels = phrases_of(locale)["labels"]
    return [(labels[name], value) for name, value in values.items() if value]


def _place(transaction: Transaction, locale: str) -> str:
    merchant = transaction.merchant or {}
    parts = [plain(merchant[part]) for part in ("name", "city") if part in merchant]
    if "country" in merchant:
        parts.append(country(merchant["country"], locale))
    return ", ".join(parts)


def _original(transaction: Transaction, locale: str) -> dict[str, str]:
    """Return the amount before conversion, and the rate, as far as they are known."""
    original = transaction.original or {}
    rate: Decimal | None = original.get("rate")
    shown = {}
    if "amount" in original and original.get("currency") in CURRENCY_DECIMALS:
        shown["original"] = money(original["amount"], original["currency"], locale)
    if rate is not None:
        shown["rate"] = decimal(rate, locale, 10)
    return shown
