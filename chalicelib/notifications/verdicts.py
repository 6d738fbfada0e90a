"""What a bounce or a complaint that SES reports says of the e-mail and of its address.

| SES says | the e-mail's state | the address is suppressed | because |
|---|---|---|---|
| bounce Permanent: General, NoEmail, or a subtype that is new | bounced | for good | the mailbox isn't there |
| the same, with the enhanced status 5.7.x (RFC 3463) | bounced | for 14 days | a policy refused the e-mail, not the mailbox |
| bounce Permanent: Suppressed, OnAccountSuppressionList | bounced | for 14 days | SES's own list: nobody was asked |
| bounce Transient: General, MailboxFull, MessageTooLarge, ContentRejected, AttachmentRejected | bounced | no | it passes, or is about this e-mail |
| bounce Undetermined | bounced | no | it may pass |
| complaint: OnAccountSuppressionList (subtype) | rejected | no | SES's own list: the holder got nothing, and said nothing |
| complaint: not-spam | as before | no | the holder took it out of the spam folder |
| complaint: auth-failure | as before | no | a mail server's report on SPF, DKIM or DMARC: no person has complained |
| complaint: abuse, fraud, virus, other, none | complained | for good | the holder wants no more e-mails |
"""  # noqa: E501

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.holders.holder import Suppressed
from chalicelib.holders.suppression import LAPSES_AFTER
from chalicelib.notifications.state import Kind

HARD_BOUNCE = "hard_bounce"
POLICY_BOUNCE = "policy_bounce"
ON_SES_LIST = "ses_suppression_list"
COMPLAINT = "complaint"
REASONS = (COMPLAINT, HARD_BOUNCE, POLICY_BOUNCE, ON_SES_LIST)

_ON_ACCOUNT_LIST = "OnAccountSuppressionList"
_ON_A_LIST = frozenset({"Suppressed", _ON_ACCOUNT_LIST})
_NO_COMPLAINTS = frozenset({"not-spam", "auth-failure"})
_LAPSING = frozenset({POLICY_BOUNCE, ON_SES_LIST})
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]{0,63}")
# An enhanced status code (RFC 3463), not a part of an IP address or of a version.
_ENHANCED_STATUS = re.compile(r"(?<![0-9.])[245]\.[0-9]{1,3}\.[0-9]{1,3}(?!\.?[0-9])")
_BY_POLICY = "5.7."


@dataclass(frozen=True, slots=True)
class Verdict:
    """The kind of feedback, with its reason, and why the address is suppressed (None if it isn't)."""

    kind: Kind
    reason: str | None = None
    suppresses: str | None = None

    def suppressed(self, at: datetime) -> Suppressed | None:
        """Return the suppression that begins at this time; None if there is none."""
        if self.suppresses is None:
            return None
        return Suppressed(self.suppresses, at, at + LAPSES_AFTER if self.suppresses in _LAPSING else None)


def of_bounce(bounce: Mapping[str, Any]) -> Verdict:
    """Return what SES's `bounce` object says."""
    subtype = word(bounce.get("bounceSubType"))
    if bounce["bounceType"] != "Permanent":
        # Undetermined ones may be soft, and an address that is cut off for nothing is worse than one more bounce.
        return Verdict(Kind.SOFT_BOUNCE, f"soft: {subtype}")
    suppresses = HARD_BOUNCE
    if subtype in _ON_A_LIST:
        suppresses = ON_SES_LIST
    elif any(status.startswith(_BY_POLICY) for status in _statuses(bounce)):
        suppresses = POLICY_BOUNCE
    return Verdict(Kind.HARD_BOUNCE, f"hard: {subtype}", suppresses)


def of_complaint(complaint: Mapping[str, Any]) -> Verdict | None:
    """Return what SES's `complaint` object says; None if it says nothing of what became of the e-mail."""
    if complaint.get("complaintSubType") == _ON_ACCOUNT_LIST:
        return Verdict(Kind.REJECT, _ON_ACCOUNT_LIST)
    feedback = word(complaint.get("complaintFeedbackType") or "abuse")
    return None if feedback in _NO_COMPLAINTS else Verdict(Kind.COMPLAINT, feedback, COMPLAINT)


def word(text: Any) -> str:
    """Return the text if it is a plain word or two, and `unknown` otherwise.

    It comes from mail servers and is shown to banks; an answer of a server could hold the address.
    """
    return text if isinstance(text, str) and _WORD.fullmatch(text) else "unknown"


def _statuses(bounce: Mapping[str, Any]) -> Iterator[str]:
    """Yield the enhanced status codes of the bounce: SES's own `status`, and the first in the mail server's answer.

    A server's answer can have others behind it, in the address of a page that explains it.
    """
    recipients = bounce.get("bouncedRecipients")
    for recipient in recipients if isinstance(recipients, list) else ():
        for name in ("status", "diagnosticCode"):
            text = recipient.get(name) if isinstance(recipient, dict) else None
            if isinstance(text, str) and (found := _ENHANCED_STATUS.search(text)):
                yield found[0]
