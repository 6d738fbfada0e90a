"""SES identities of the domains from which banks send: made for one bank of one stage, and used once they are verified.

The tags say which stage and bank an identity is for. The functions that send may use the identities with their stage's
tag, so that a new one needs no release.
"""

from dataclasses import dataclass
from typing import Any

from infra.failures import CommandFailed
from infra.sender_domains import identity_of, is_verified, missing_records
from infra.stacks import PROJECT

STAGE_TAG, BANK_TAG = f"{PROJECT}-stage", f"{PROJECT}-bank"


class IdentityRefused(CommandFailed):
    """The domain can't be the bank's sender: it is another's, or SES has not verified it yet."""


@dataclass(frozen=True, slots=True)
class SenderIdentities:
    """The identities of a stage's banks. `ses` is a client of SES's API v2."""

    ses: Any
    stage: str
    region: str

    def prepare(self, bank: str, domain: str, bounce_domain: str | None = None) -> list[str]:
        """Make the identity of the bank's domain, or bring it up to date; return which DNS records SES still misses.

        Feedback comes as events, through the configuration set, so forwarding it by e-mail is off. With a
        `bounce_domain`, below the domain, the e-mails have a MAIL FROM of their own. Raises IdentityRefused for a
        domain that SES has for something else.
        """
        if not self.check_free(bank, domain, bounce_domain):
            tags = {"project": PROJECT, STAGE_TAG: self.stage, BANK_TAG: bank}
            self.ses.create_email_identity(
                EmailIdentity=domain, Tags=[{"Key": key, "Value": value} for key, value in tags.items()]
            )
        self.ses.put_email_identity_feedback_attributes(EmailIdentity=domain, EmailForwardingEnabled=False)
        if bounce_domain is not None:
            self.ses.put_email_identity_mail_from_attributes(
                EmailIdentity=domain, MailFromDomain=bounce_domain, BehaviorOnMxFailure="USE_DEFAULT_VALUE"
            )
        return missing_records(domain, self.ses.get_email_identity(EmailIdentity=domain), self.region)

    def check_free(self, bank: str, domain: str, bounce_domain: str | None = None) -> bool:
        """Return whether SES has an identity of the domain; raises IdentityRefused if it can't be this bank's."""
        if bounce_domain is not None and not bounce_domain.endswith(f".{domain}"):
            raise IdentityRefused(f"the bounce domain {bounce_domain} must be below {domain}.")
        identity = identity_of(self.ses, domain)
        if identity is not None:
            self._check_owner(bank, domain, identity)
        return identity is not None

    def check_usable(self, bank: str, domain: str) -> None:
        """Raise IdentityRefused unless SES sends from the domain, for this bank."""
        identity = identity_of(self.ses, domain)
        if identity is None:
            raise IdentityRefused(f"SES has no identity {domain}.")
        self._check_owner(bank, domain, identity)
        if not is_verified(identity):
            raise IdentityRefused(
                f"SES has not verified {domain} yet, so nothing was changed. Run the same command again when the"
                " records are published; SES looks for them for 72 hours."
            )

    def sends_from(self, address: str) -> bool:
        """Return whether SES sends from the address: by an identity of its own, of its domain, or of a domain above."""
        labels = address.rpartition("@")[2].split(".")
        names = [address, *(".".join(labels[start:]) for start in range(len(labels) - 1))]
        found = (identity_of(self.ses, name) for name in names)
        return any(identity is not None and is_verified(identity) for identity in found)

    def _check_owner(self, bank: str, domain: str, identity: dict[str, Any]) -> None:
        tags = {tag["Key"]: tag["Value"] for tag in identity.get("Tags", ())}
        if (tags.get(STAGE_TAG), tags.get(BANK_TAG)) == (self.stage, bank):
            return
        if STAGE_TAG in tags:
            raise IdentityRefused(
                f"SES has {domain} for the bank {tags.get(BANK_TAG)} of the stage {tags[STAGE_TAG]}. A domain is of one"
                " bank of one stage."
            )
        raise IdentityRefused(
            f"SES has {domain} for something else. If it may be the bank's sender, give the identity the tags"
            f" {STAGE_TAG}={self.stage} and {BANK_TAG}={bank}, then run this again."
        )
