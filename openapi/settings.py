"""The operations on a bank's settings."""

from openapi import examples
from openapi.json_schema import Json, ref
from openapi.operation import answer, operation


def get_settings() -> Json:
    return operation(
        "getSettings",
        "Settings",
        "Read the bank's settings",
        "All settings, with the default of each that was never set.",
        answers={200: answer("The settings.", ref("AllSettings"), examples.ALL_SETTINGS)},
    )


def put_settings() -> Json:
    return operation(
        "putSettings",
        "Settings",
        "Replace the bank's settings",
        "Replaces all settings: what is left out is set to its default. The settings take effect within a minute. Each "
        "alert address gets an e-mail that asks for confirmation, and gets alerts once it is confirmed. An address "
        "that is left out gets no more alerts. An address can get the alerts of one bank only.",
        answers={200: answer("All settings, as they are now.", ref("AllSettings"), examples.ALL_SETTINGS)},
        body=("BankSettings", {"settings": examples.SETTINGS}),
        is_write=True,
    )
