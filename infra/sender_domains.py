"""The DNS records with which a domain lets SES send its e-mails, and whether SES has found them."""

from collections.abc import Mapping
from typing import Any


def identity_of(ses: Any, name: str) -> dict[str, Any] | None:
    """Return SES's description of the identity, None if SES has no such identity."""
    try:
        found: dict[str, Any] = ses.get_email_identity(EmailIdentity=name)
    except ses.exceptions.NotFoundException:
        return None
    return found


def is_verified(identity: Mapping[str, Any]) -> bool:
    """Return whether SES sends from the identity."""
    return bool(identity.get("VerifiedForSendingStatus"))


def missing_records(domain: str, identity: Mapping[str, Any], region: str) -> list[str]:
    """Return the lines that tell which DNS records SES has not found yet; none for an address, or if all are there.

    With the DKIM records SES verifies the domain and signs its e-mails. With those of the bounce domain, the envelope's
    sender (MAIL FROM) is of the same domain, as SPF wants it for DMARC.
    """
    if "@" in domain:
        return []
    lines = []
    dkim = identity.get("DkimAttributes", {})
    tokens = dkim.get("Tokens", ())
    if dkim.get("Status") != "SUCCESS" and tokens:
        zone = dkim.get("SigningHostedZone", "dkim.amazonses.com")
        lines += [
            "Publish these records; then SES verifies the domain and signs its e-mails (DKIM):",
            *(f"  {token}._domainkey.{domain} CNAME {token}.{zone}" for token in tokens),
            f'  _dmarc.{domain} TXT "v=DMARC1; p=none" (unless there is one already)',
        ]
    bounces = identity.get("MailFromAttributes", {})
    if bounces.get("MailFromDomain") and bounces.get("MailFromDomainStatus") != "SUCCESS":
        lines += [
            "Publish these records too; then the e-mails have the domain's own MAIL FROM (SPF):",
            f"  {bounces['MailFromDomain']} MX 10 feedback-smtp.{region}.amazonses.com",
            f'  {bounces["MailFromDomain"]} TXT "v=spf1 include:amazonses.com ~all"',
        ]
    return lines
