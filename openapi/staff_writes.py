"""What a bank's staff may do with settings, webhooks and suppressions, most of it as the bank itself may."""

from chalicelib.staff.member import Group
from chalicelib.webhooks.resending import MOST_A_CALL
from openapi import endpoints, examples, holders, settings
from openapi.json_schema import Json, ref
from openapi.operation import answer, operation

_SECRET = {"secret": f"whsec_{'A' * 43}=", "previous_valid_until": "2026-01-11T14:00:00Z"}

_SENT = {
    "id": examples.WEBHOOK_RESENT["id"],
    "type": "alert.answered",
    "endpoint": "ep_5a7dd9e6d0a8ab31",
    "body": '{"type": "alert.answered", "timestamp": "2026-01-10T14:00:00Z", "data": {"transaction": "1"}}',
}


def get_settings() -> Json:
    return _of_staff(settings.get_settings(), "getStaffSettings", Group.VIEWER, ["precondition_failed"])


def patch_settings() -> Json:
    return _of_staff(settings.patch_settings(), "patchStaffSettings", Group.ADMIN, ["precondition_failed"])


def delete_suppression() -> Json:
    codes = ["holder_not_found", "not_suppressed", "lifted_lately"]
    return _of_staff(holders.delete_suppression(), "liftStaffSuppression", Group.ADMIN, codes)


def list_attempts() -> Json:
    return _of_staff(endpoints.list_attempts(), "listStaffWebhookAttempts", Group.VIEWER, ["invalid_cursor"])


def test_endpoints() -> Json:
    return _of_staff(endpoints.test_endpoints(), "testStaffWebhooks", Group.ADMIN, ["no_endpoint", "tried_lately"])


def resend() -> Json:
    return _of_staff(endpoints.resend(), "resendStaffWebhook", Group.ADMIN, ["webhook_not_found", "tried_lately"])


def resend_span() -> Json:
    return operation(
        "resendStaffWebhooks",
        "Staff",
        "Send a time span's undelivered webhooks again",
        f"Queues one more try of each webhook that was tried in the time span and is not delivered, the newest first: "
        f"at most {MOST_A_CALL} in a call, and the rest with `next_cursor` as `cursor`. What was tried within the last "
        "minute, and tests, are left out.",
        answers={200: answer("They are queued.", ref("WebhooksResent"), {"resent": 17})},
        body=("WebhookSpan", {"day": {"from": "2026-01-10", "to": "2026-01-10"}}),
        codes=["invalid_cursor"],
        group=Group.ADMIN,
    )


def get_webhook_body() -> Json:
    return operation(
        "getStaffWebhookBody",
        "Staff",
        "Read what a webhook said",
        "The body that was posted at each try of a webhook of the last seven days, without its headers.",
        answers={200: answer("The webhook.", ref("SentWebhook"), _SENT)},
        parameters=endpoints.resend()["parameters"],
        codes=["webhook_not_found"],
        group=Group.VIEWER,
    )


def replace_secret() -> Json:
    return operation(
        "replaceStaffWebhookSecret",
        "Staff",
        "Replace the bank's webhook secret",
        "Makes a new secret and shows it, in this answer only. It signs within a minute. The previous secret signs too "
        "until `previous_valid_until`, so that endpoints change over without a gap. At most once a minute.",
        answers={200: answer("The new secret.", ref("WebhookSecret"), _SECRET)},
        codes=["no_webhook_secret", "too_many_secrets", "tried_lately"],
        group=Group.ADMIN,
    )


def _of_staff(of_bank: Json, operation_id: str, group: Group, codes: list[str]) -> Json:
    """Return an operation that does for staff what another one does for the bank's key."""
    body = ("BankSettings", {"change": {"digest_after": 30}}) if "requestBody" in of_bank else None
    return operation(
        operation_id,
        "Staff",
        of_bank["summary"],
        of_bank.get("description", ""),
        answers={int(status): one for status, one in of_bank["responses"].items() if status.startswith("2")},
        parameters=of_bank.get("parameters", ()),
        body=body,
        codes=codes,
        group=group,
    )
