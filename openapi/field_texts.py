"""What the description says of the fields of a transaction and of a holder, their defaults included."""

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
        "id": "The bank's own id: unique within the bank, for ever.",
        "account": "The account that it moves money on.",
        "amount": "Over 0, with no more decimals, **as written**, than the currency has: `250.00` is refused for XAF. "
        "Read exactly, never through binary floating point.",
        "type": "Which way the money went, as the account sees it.",
        "timestamp": "When it happened: RFC 3339 with an offset, at most 5 minutes ahead of now. Digits beyond the "
        "microsecond are cut off; leap seconds are refused.",
        "currency": "The bank's default currency if it is left out.",
        "status": "Only settled transactions count in totals.",
        "authorization_id": "The id of the authorization that this one settles or reverses.",
        "merchant": "Where the money was spent.",
        "description": "Free text.",
        "balance": "The available balance after it, exact like `amount`; may be negative or 0.",
        "card_last4": "The last 4 digits of the card. A full card number anywhere in the body is refused.",
        "metadata": "The bank's own names and values; never in an e-mail.",
    },
    "Merchant": {
        "name": "As the holder knows it.",
        "mcc": "Merchant category code (ISO 18245).",
        "city": "Where it is.",
        "country": "Where it is.",
    },
    "Holder": {
        "name": "How e-mails address the holder.",
        "email": "Where e-mails go.",
        "locale": "The language of the e-mails.",
        "timezone": "The time zone of the times in e-mails.",
        "preferences": "What the holder wants to be told of: of everything if it is left out.",
    },
    "Preferences": {
        "types": "Tell of these only.",
        "min_amount": "By currency, the amount below which nothing is told.",
        "quiet_hours": "What isn't urgent waits until they are over; none when `from` and `to` are the same.",
        "statement": "A statement of each week, or month, by e-mail on the morning after, in the holder's time zone.",
        "muted": "Tell of nothing, security alerts neither.",
    },
    "QuietHours": {"from": "In the holder's time zone.", "to": "In the holder's time zone."},
}
OF_SCHEMAS = {
    "Transaction": "A transaction as a bank posts it. `null` is refused: leave an absent field out.",
    "Merchant": "The other side of a card payment.",
    "Holder": "A holder of an account, as a bank enrols one.",
    "Preferences": "Obeyed in this order: `muted`, `types`, `min_amount`, `quiet_hours`. A security alert passes all "
    "but `muted`.",
    "QuietHours": "From one time of day to another.",
}
