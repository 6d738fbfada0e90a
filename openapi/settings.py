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
        answers={200: _settings("The settings.")},
        codes=["precondition_failed"],
    )


def put_settings() -> Json:
    return operation(
        "putSettings",
        "Settings",
        "Replace the bank's settings",
        "Replaces all settings: what is left out is set to its default, and named in `warnings` if it was set "
        "before. The "
        "settings take effect within a minute. Each "
        "alert address gets an e-mail that asks for confirmation, and gets alerts once it is confirmed. An address "
        "that is left out gets no more alerts. An address can get the alerts of one bank only.",
        answers={200: _settings("All settings, as they are now.")},
        parameters=["if_match"],
        body=("BankSettings", {"settings": examples.SETTINGS}),
        codes=["precondition_failed"],
        is_write=True,
    )


def patch_settings() -> Json:
    return operation(
        "patchSettings",
        "Settings",
        "Change the bank's settings",
        "Changes what the body names (a merge patch, RFC 7396), and nothing else; `null` sets a field to its "
        "default. All "
        "else is as for `PUT`. The content type `application/merge-patch+json` is accepted, too.",
        answers={200: _settings("All settings, as they are now.")},
        parameters=["if_match"],
        body=("BankSettings", {"threshold": {"flags": {"large_amount": {"thresholds": {"XAF": "750000"}}}}}),
        codes=["precondition_failed"],
        is_write=True,
    )


def _settings(description: str) -> Json:
    return answer(description, ref("AllSettings"), examples.ALL_SETTINGS, headers=["ETag"])
