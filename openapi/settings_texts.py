"""The texts and defaults of a bank's settings."""

from chalicelib.banks.settings import BankSettings, to_json

DEFAULTS = {
    "BankSettings": {"confirm_addresses": False, "digest_after": BankSettings().digest_after, "webhooks": []},
    **{
        f"{''.join(word.capitalize() for word in flag.split('_'))}Rule": rule
        for flag, rule in to_json(BankSettings())["flags"].items()
    },
}
_MODE = "`shadow`: flags are counted, but nobody is notified. `off`: nothing is flagged."

OF_FIELDS = {
    "BankSettings": {
        "flags": "The rules that flag a transaction.",
        "alert_addresses": "E-mail addresses of the bank's operators. Each is asked to confirm, and is notified of "
        "flagged transactions from then on.",
        "digest_after": "How many e-mails about an account's transactions come to a holder one by one within an hour. "
        "What follows comes as one digest. Security alerts are not counted.",
        "confirm_addresses": "Whether a holder gets e-mails only after confirming the address, by a link in one e-mail "
        "that asks for it. Holders who are enrolled already stay as they are until their address changes. On the plan "
        "`trial` it is always true.",
        "webhook_url": "The short form of one endpoint, which gets the types `notification.*` and `holder.changed`. "
        "Endpoints need a webhook secret, which the service's operator issues.",
        "webhooks": "The endpoints of the bank's webhooks, each with the types that it wants. An endpoint is used once "
        "it has answered a signed test with 2xx: storing settings sends one, and `POST /webhooks/test` another.",
        "webhooks_disabled_at": "Since when an endpoint gets no webhooks, because it answered 410. After the bank has "
        "stored its settings, it is tested again. The value in a request is ignored.",
    },
    "WebhookEndpoint": {
        "url": "An https URL of a host with a name. Each URL once, that of `webhook_url` included.",
        "types": "The types of webhooks that the endpoint gets. Tests come whatever is chosen.",
    },
    "FlagRules": {
        "large_amount": "The amount is over a threshold.",
        "velocity": "More than `count` attempts on an account within `minutes`. Declined attempts count.",
        "unusual_amount": "The amount is far above the account's usual amounts of its currency and type.",
        "duplicate_suspect": "The same amount at the same merchant again within `minutes`.",
        "new_country": "The account has not used a merchant in this country before.",
    },
    "LargeAmountRule": {
        "mode": _MODE,
        "thresholds": "By currency: the largest amount that is not flagged. In other currencies, nothing is flagged.",
    },
    "VelocityRule": {
        "mode": _MODE,
        "count": "The most attempts that are not flagged.",
        "minutes": "The window, with the attempt anywhere in it.",
    },
    "UnusualAmountRule": {
        "mode": _MODE,
        "times": "The amount is over this multiple of the mean.",
        "deviations": "And it is more than this many standard deviations above the mean.",
        "min_count": "The rule starts when the account has this many settled amounts.",
    },
    "DuplicateSuspectRule": {"mode": _MODE, "minutes": "The most minutes between the two payments."},
    "NewCountryRule": {
        "mode": _MODE,
        "min_count": "The rule starts when the account has this many settled transactions.",
    },
}
OF_SCHEMAS = {
    "BankSettings": "A bank's settings. What is left out is set to its default.",
    "WebhookEndpoint": "An endpoint for webhooks of some types.",
    "FlagRules": "The rules that flag a transaction.",
    "LargeAmountRule": "Flags amounts over a threshold.",
    "VelocityRule": "Flags too many attempts on an account in a short time.",
    "UnusualAmountRule": "Flags an amount that is far above the account's mean.",
    "DuplicateSuspectRule": "Flags a payment that looks like a repetition of another.",
    "NewCountryRule": "Flags a country that is new to an account with a history.",
}
