"""The texts and defaults of the fields of a transaction and of a holder."""

from chalicelib.holders.holder import HolderSchema
from chalicelib.ledger.transaction import TYPES

CUT = "What is longer is cut."
_HOLDER = HolderSchema().fields
DEFAULTS = {
    "Transaction": {"status": "settled", "notify": True},
    "Holder": {name: _HOLDER[name].load_default for name in ("locale", "timezone")},
    "Preferences": {"types": list(TYPES), "statement": "none", "muted": False, "alerts": True},
}

OF_FIELDS = {
    "Transaction": {
        "id": "The bank's id of the transaction, unique within the bank for ever.",
        "account": "The account whose money moves.",
        "amount": "Over 0, with no more decimals than the currency has. Zeros at the end don't count: `250.00` XAF is "
        "250.",
        "type": "The direction of the money, as the account sees it.",
        "timestamp": "The time of the transaction: RFC 3339 with an offset, not before 1970, at most 5 minutes ahead "
        "of now. Digits beyond the microsecond are cut off. Leap seconds are refused.",
        "currency": "Without it, the bank's default currency.",
        "status": "Only settled transactions count in totals.",
        "authorization_id": "The id of the authorization that this transaction settles, releases (`reversed`) or adds "
        "to (`authorized`).",
        "reversal_of": "With the status `reversed` only: the id of the settled transaction whose money comes back. "
        "`type` is the type of that transaction.",
        "merchant": "Where the money was spent.",
        "description": "Free text. " + CUT,
        "balance": "The available balance after the transaction. It may be negative or 0.",
        "card_last4": "The last 4 digits of the card. A full card number anywhere in the body is refused.",
        "booking_date": "The day on which the bank booked the transaction, not before 1970.",
        "value_date": "The day from which the money counts for interest, not before 1970.",
        "original": "What the transaction was before conversion.",
        "counterparty": "The other side of a transfer.",
        "reference": "The payment reference, or the end-to-end reference. " + CUT,
        "decline_reason": "With the status `declined` only: why it was declined. " + CUT,
        "notify": "With `false`, the transaction is recorded and counted, but nobody is notified and nothing is "
        "flagged. For loading history.",
        "metadata": "The bank's own names and values. They are never in an e-mail.",
    },
    "Merchant": {
        "name": "The name that the holder knows.",
        "mcc": "Merchant category code (ISO 18245).",
        "city": "The merchant's city.",
        "country": "The merchant's country.",
        "id": "The acquirer's id of the merchant. " + CUT,
        "terminal_id": "The id of the terminal. " + CUT,
    },
    "Original": {
        "amount": "Over 0, with no more decimals than its own currency has.",
        "currency": "The currency of the amount.",
        "rate": "The rate of exchange.",
    },
    "Counterparty": {
        "name": "The name of the other side. " + CUT,
        "account": "An IBAN, or any other account number. " + CUT,
    },
    "Holder": {
        "name": "The holder's name, as e-mails use it.",
        "email": "The address that e-mails go to.",
        "locale": "The language of the e-mails, `fr` or `en`, and optionally the region whose dates, times and amounts "
        "they have: a BCP 47 tag with a country of ISO 3166-1, like `fr-CM` or `en-GB`, in any case. Plain `en` is "
        "international English, with the day before the month; American dates are `en-US`.",
        "timezone": "The time zone of the times in e-mails.",
        "preferences": "What the holder wants to be notified of, as the bank knows it. Without it, of everything. "
        "What the "
        "holder has chosen on the page, or with one click, stands: these preferences change nothing of it.",
    },
    "Preferences": {
        "types": "Notify of transactions of these types only. An empty list is refused: leave it out for both.",
        "min_amount": "By currency: do not notify of smaller amounts.",
        "quiet_hours": "Notifications that are not urgent wait until these hours are over. There are none if `from` "
        "and `to` are equal.",
        "statement": "An e-mail with the transactions of each week or month, sent on the next morning in the holder's "
        "time zone.",
        "muted": "Send no e-mails, except security alerts.",
        "alerts": "Send security alerts. Without them, no e-mail warns the holder of a transaction that looks "
        "unusual. A "
        "change that ends them is told to the holder by e-mail.",
    },
    "QuietHours": {"from": "In the holder's time zone.", "to": "In the holder's time zone."},
}
OF_SCHEMAS = {
    "Transaction": "A transaction as a bank posts it. `null`, an empty text and an empty object mean that an optional "
    "field is absent. In `merchant`, `description`, `counterparty`, `reference`, `decline_reason` and `metadata`, what "
    "can't be understood is left out, and what is too long is cut; `warnings` in the answer names it. With "
    "`Prefer: handling=strict` it is an error instead.",
    "Merchant": "The merchant of a card payment.",
    "Original": "The amount, currency and rate before conversion.",
    "Counterparty": "The other side of a transfer.",
    "Holder": "A holder of an account, as a bank enrols the holder.",
    "Preferences": "The first that applies decides, in this order: `muted`, `types`, `min_amount`, `quiet_hours`. Only "
    "`alerts` applies to security alerts.",
    "QuietHours": "From a time of day to another.",
}
