"""The operations on a bank's settings."""

from openapi import examples
from openapi.json_schema import Json, ref
from openapi.operation import answer, operation


def get_settings() -> Json:
    return operation(
        "getSettings",
        "Settings",
        "The bank's settings",
        "All of them, with the default of each that was never set.",
        answers={200: answer("The settings.", ref("AllSettings"), examples.ALL_SETTINGS)},
    )


def put_settings() -> Json:
    return operation(
        "putSettings",
        "Settings",
        "Replace the bank's settings",
        "Replaces all of them: what is left out is as by default. Obeyed within a minute. Every alert address gets an "
        "e-mail that asks for its owner's confirmation, and no alert before it is given; one that is left out gets no "
        "more. An address can be told of one bank only.",
        answers={200: answer("All settings, as they are now.", ref("AllSettings"), examples.ALL_SETTINGS)},
        body=("BankSettings", {"settings": examples.SETTINGS}),
        is_write=True,
    )
