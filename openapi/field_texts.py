"""The texts and defaults of the fields of a transaction and of a holder."""

from chalicelib.holders.holder import HolderSchema
from chalicelib.ledger.fields import TYPES

_HOLDER = HolderSchema().fields
DEFAULTS = {
    "Transaction": {"status": "settled"},
    "Holder": {name: _HOLDER[name].load_default for name in ("locale", "timezone")},
    "Preferences": {"types": list(TYPES), "statement": "none", "muted": False},
}

OF_FIELDS = {
    "Transaction": {
        "id": "The bank's id of the transaction, unique within the bank for ever.",
        "account": "The account whose money moves.",
        "amount": "Over 0, with no more decimals, **as written**, than the currency has: `250.00` is refused for XAF.",
        "type": "The direction of the money, as the account sees it.",
        "timestamp": "The time of the transaction: RFC 3339 with an offset, at most 5 minutes ahead of now. Digits "
        "beyond the microsecond are cut off. Leap seconds are refused.",
        "currency": "Without it, the bank's default currency.",
        "status": "Only settled transactions count in totals.",
        "authorization_id": "The id of the authorization that this transaction settles or reverses.",
        "merchant": "Where the money was spent.",
        "description": "Free text.",
        "balance": "The available balance after the transaction. It may be negative or 0.",
        "card_last4": "The last 4 digits of the card. A full card number anywhere in the body is refused.",
        "metadata": "The bank's own names and values. They are never in an e-mail.",
    },
    "Merchant": {
        "name": "The name that the holder knows.",
        "mcc": "Merchant category code (ISO 18245).",
        "city": "The merchant's city.",
        "country": "The merchant's country.",
    },
    "Holder": {
        "name": "The holder's name, as e-mails use it.",
        "email": "The address that e-mails go to.",
        "locale": "The language of the e-mails.",
        "timezone": "The time zone of the times in e-mails.",
        "preferences": "What the holder wants to be notified of. Without it, of everything.",
    },
    "Preferences": {
        "types": "Notify of transactions of these types only. An empty list is refused: leave it out for both.",
        "min_amount": "By currency: do not notify of smaller amounts.",
        "quiet_hours": "Notifications that are not urgent wait until these hours are over. There are none if `from` "
        "and `to` are equal.",
        "statement": "An e-mail with the transactions of each week or month, sent on the next morning in the holder's "
        "time zone.",
        "muted": "Notify of nothing, not even of security alerts.",
    },
    "QuietHours": {"from": "In the holder's time zone.", "to": "In the holder's time zone."},
}
OF_SCHEMAS = {
    "Transaction": "A transaction as a bank posts it. `null` is refused: leave the field out.",
    "Merchant": "The merchant of a card payment.",
    "Holder": "A holder of an account, as a bank enrols the holder.",
    "Preferences": "The first that applies decides, in this order: `muted`, `types`, `min_amount`, `quiet_hours`. Only "
    "`muted` applies to security alerts.",
    "QuietHours": "From a time of day to another.",
}
