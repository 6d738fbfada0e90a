"""What the description says of a bank's settings, each default included."""

from chalicelib.banks.settings import BankSettings, to_json

DEFAULTS = {
    f"{''.join(word.capitalize() for word in flag.split('_'))}Rule": rule
    for flag, rule in to_json(BankSettings())["flags"].items()
}
_MODE = "`shadow`: flags are counted and told to nobody. `off`: there are none."


OF_FIELDS = {
    "BankSettings": {
        "flags": "What flags a transaction.",
        "alert_addresses": "E-mail addresses of the bank's operators: each is asked to confirm, and told of flagged "
        "transactions from then on. Nobody is if it is left out.",
        "webhook_url": "Where the bank's webhooks go; none are sent if it is left out. Needs a webhook secret, which "
        "the service's operator issues.",
        "webhooks_disabled_at": "Since when none are sent, because the endpoint answered 410. Storing settings enables "
        "them again, whatever is said here.",
    },
    "FlagRules": {
        "large_amount": "Over a threshold, by currency.",
        "velocity": "More than `count` attempts on an account in `minutes`; declined ones count.",
        "unusual_amount": "Far above the account's usual amounts of that currency and type.",
        "duplicate_suspect": "The same amount at the same merchant again within `minutes`.",
        "new_country": "A merchant's country that the account has not used.",
    },
    "LargeAmountRule": {
        "mode": _MODE,
        "thresholds": "By currency, the largest amount that is not flagged; in currencies that are not named, none is.",
    },
    "VelocityRule": {
        "mode": _MODE,
        "count": "The most attempts that are not flagged.",
        "minutes": "The window up to the attempt.",
    },
    "UnusualAmountRule": {
        "mode": _MODE,
        "times": "Over so many times the mean; 2 decimals at most.",
        "deviations": "And more than so many standard deviations above it; 2 decimals at most.",
        "min_count": "Judged from so many settled amounts on.",
    },
    "DuplicateSuspectRule": {"mode": _MODE, "minutes": "How far apart two payments may be."},
    "NewCountryRule": {
        "mode": _MODE,
        "min_count": "Judged from so many settled transactions on.",
    },
}
OF_SCHEMAS = {
    "BankSettings": "A bank's own settings. What is left out is as by default.",
    "FlagRules": "The rules that flag a transaction.",
    "LargeAmountRule": "Flags amounts over a threshold.",
    "VelocityRule": "Flags too many attempts on an account in a short time.",
    "UnusualAmountRule": "Flags an amount that is over a multiple of the account's mean, and outside of its spread.",
    "DuplicateSuspectRule": "Flags what looks like the same payment again.",
    "NewCountryRule": "Flags a country that an account with a history has not used.",
}
