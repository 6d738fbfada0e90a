"""What SES refuses."""

import os
import re
import time
from typing import Any

from local_cloud.gate.rule import Call, emulator, entries, rule

BULK, SINGLE = "sesv2:SendBulkEmail", "sesv2:SendEmail"
# The emulated account's send rate, in recipients a second. The local cloud's mailers are told the same.
SEND_RATE = 1000
_QUOTAS = "Amazon SES Developer Guide, “Service quotas in Amazon SES”"
_TEMPLATES = "Amazon SES Developer Guide, “Using templates to send personalized email with the Amazon SES API”"
_HEADERS = "Amazon SES Developer Guide, “Amazon SES header fields”"
_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
_MOST_BYTES, _MOST_ENTRIES, _MOST_RECIPIENTS = 1024 * 1024, 50, 50
# What SES sets itself.
_SET_BY_SES = re.compile(
    r"bcc|cc|content-disposition|content-type|date|from|message-id|mime-version|reply-to|return-path|subject|to",
    re.IGNORECASE,
)
# Those of the page's list that a sender of notifications may set.
_ONCE = re.compile(r"auto-submitted|importance|list-[a-z-]+|priority|precedence|references|in-reply-to", re.IGNORECASE)


@rule(
    "ses.both-actions",
    BULK,
    error="AccessDeniedException",
    status=403,
    source="Service Authorization Reference, “Actions, resources, and condition keys for Amazon Simple Email Service”",
)
def lacks_an_action(call: Call) -> str | None:
    """A bulk call by a role without `ses:SendBulkEmail` and `ses:SendBulkTemplatedEmail` on the configuration set."""
    evaluator, responses = emulator("core.iam_evaluator"), emulator("core.responses")
    account = responses._account_from_sts_session(call.caller) or "000000000000"
    principal = evaluator.resolve_principal(call.caller, account)
    if getattr(principal, "policies", None) is None:
        return None  # the account's own key
    resource = f"arn:aws:ses:{call.region}:{account}:configuration-set/{call.parameters.get('ConfigurationSetName')}"
    for action in ("ses:SendBulkEmail", "ses:SendBulkTemplatedEmail"):
        context = evaluator.EvalContext(
            principal_arn=principal.arn,
            principal_type=principal.type,
            principal_account=principal.account,
            action=action,
            resource_arn=resource,
            region=call.region,
            principal_keys=principal.keys,
        )
        if evaluator.evaluate(context, principal.policies, *principal.limits).decision != "Allow":
            return f"User `{principal.arn}' is not authorized to perform `{action}' on resource `{resource}'"
    return None


@rule(
    "ses.configuration-set",
    BULK,
    SINGLE,
    error="NotFoundException",
    status=404,
    source="Amazon SES API v2 Reference, “SendBulkEmail”, errors",
)
def unknown_configuration_set(call: Call) -> str | None:
    """An e-mail through a configuration set that doesn't exist."""
    name = call.parameters.get("ConfigurationSetName")
    module = emulator("services.ses_v2")
    if not name or name in module._config_sets or name in module._v1_config_sets:
        return None
    return f"Configuration set <{name}> does not exist."


@rule("ses.bulk-entries", BULK, error="BadRequestException", source=_TEMPLATES)
def too_many_entries(call: Call) -> str | None:
    """More than 50 entries in a bulk call."""
    count = len(list(entries(call.parameters.get("BulkEmailEntries"))))
    return f"Bulk email entries must not exceed {_MOST_ENTRIES}, got {count}." if count > _MOST_ENTRIES else None


@rule("ses.recipients", BULK, SINGLE, error="BadRequestException", source=_QUOTAS)
def too_many_recipients(call: Call) -> str | None:
    """More than 50 recipients of an e-mail."""
    return "Recipient count exceeds 50." if any(count > _MOST_RECIPIENTS for count in _recipients(call)) else None


@rule("ses.inline-template", BULK, error="BadRequestException", source=_TEMPLATES)
def too_large(call: Call) -> str | None:
    """An inline template and all its data of more than 1 MB in a call."""
    content = call.parameters.get("DefaultContent")
    template = content.get("Template") if isinstance(content, dict) else None
    is_inline = isinstance(template, dict) and "TemplateContent" in template
    return "Request size exceeds 1 MB." if is_inline and call.size > _MOST_BYTES else None


@rule("ses.header-name", BULK, SINGLE, error="BadRequestException", source=_HEADERS)
def header_of_ses(call: Call) -> str | None:
    """A header that SES sets itself, or a header twice that an e-mail may have once."""
    for headers in _headers(call):
        names = [str(header.get("Name", "")).lower() for header in headers]
        for name in names:
            if _SET_BY_SES.fullmatch(name):
                return f"The header <{name}> is not allowed as a custom header."
            if _ONCE.fullmatch(name) and names.count(name) > 1:
                return f"Duplicate header '{name}'."
    return None


_allowance = {"left": 0.0, "at": float("-inf")}


@rule(
    "ses.send-rate",
    BULK,
    SINGLE,
    error="ThrottlingException",
    status=429,
    source="Amazon SES Developer Guide, “Errors related to the sending quotas for your Amazon SES account”",
)
def above_rate(call: Call) -> str | None:
    """More recipients in a second than the account's send rate."""
    rate, now = float(os.environ.get("GATE_SEND_RATE", SEND_RATE)), time.monotonic()
    left = min(rate, _allowance["left"] + (now - _allowance["at"]) * rate)
    _allowance["at"] = now
    # SES takes a whole call as long as something is left, and then nothing until it has built up again.
    if left <= 0:
        _allowance["left"] = left
        return "Maximum sending rate exceeded."
    _allowance["left"] = left - sum(_recipients(call))
    return None


def _recipients(call: Call) -> list[int]:
    """Return the number of recipients of each e-mail."""
    bulk = call.parameters.get("BulkEmailEntries")
    destinations = [entry.get("Destination") for entry in entries(bulk)] or [call.parameters.get("Destination")]
    return [
        sum(len(found) for found in destination.values() if isinstance(found, list))
        for destination in destinations
        if isinstance(destination, dict)
    ]


def _headers(call: Call) -> list[list[dict[str, Any]]]:
    """Return the headers of each e-mail."""
    found = [
        list(entries(entry.get("ReplacementHeaders"))) for entry in entries(call.parameters.get("BulkEmailEntries"))
    ]
    content = call.parameters.get("Content")
    simple = content.get("Simple") if isinstance(content, dict) else None
    return [*found, list(entries(simple.get("Headers")))] if isinstance(simple, dict) else found


@rule("ses.tags", BULK, SINGLE, error="BadRequestException", source="Amazon SES API v2 Reference, “MessageTag”")
def bad_tag(call: Call) -> str | None:
    """A tag's name or value with others than ASCII letters, digits, `_` and `-`, or longer than 256 characters."""
    tags = [*entries(call.parameters.get("DefaultEmailTags")), *entries(call.parameters.get("EmailTags"))]
    for entry in entries(call.parameters.get("BulkEmailEntries")):
        tags += entries(entry.get("ReplacementTags"))
    for text in (str(tag.get(part, "")) for tag in tags for part in ("Name", "Value")):
        if not _TAG.fullmatch(text):
            return f"Invalid tag <{text[:80]}>: only alphanumeric ASCII characters, '_', and '-' are allowed."
    return None
