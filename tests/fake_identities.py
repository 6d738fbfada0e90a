"""SES's identities, faked: moto's are never verified. A new domain is not verified, as at SES."""

from typing import Any


class NotFoundException(Exception):
    pass


class FakeSes:
    """SES's identities, each as `GetEmailIdentity` describes it."""

    class exceptions:  # noqa: N801 - botocore's name
        NotFoundException = NotFoundException

    def __init__(self) -> None:
        self.identities: dict[str, dict[str, Any]] = {}

    def create_email_identity(self, **arguments: Any) -> None:
        assert arguments["EmailIdentity"] not in self.identities
        self.identities[arguments["EmailIdentity"]] = {
            "VerifiedForSendingStatus": False,
            "FeedbackForwardingStatus": True,
            "DkimAttributes": {"Status": "PENDING", "Tokens": ["t1", "t2"], "SigningHostedZone": "dkim.amazonses.com"},
            "MailFromAttributes": {"BehaviorOnMxFailure": "USE_DEFAULT_VALUE"},
            "Tags": arguments.get("Tags", []),
        }

    def get_email_identity(self, **arguments: str) -> dict[str, Any]:
        if arguments["EmailIdentity"] not in self.identities:
            raise NotFoundException(arguments["EmailIdentity"])
        return self.identities[arguments["EmailIdentity"]]

    def put_email_identity_feedback_attributes(self, **arguments: Any) -> None:
        identity = self.identities[arguments["EmailIdentity"]]
        identity["FeedbackForwardingStatus"] = arguments["EmailForwardingEnabled"]

    def put_email_identity_mail_from_attributes(self, **arguments: str) -> None:
        attributes = {**arguments, "MailFromDomainStatus": "PENDING"}
        self.identities[attributes.pop("EmailIdentity")]["MailFromAttributes"] = attributes

    def verify(self, name: str) -> None:
        """Find all records of the domain."""
        identity = self.identities[name]
        identity["VerifiedForSendingStatus"] = True
        identity["DkimAttributes"]["Status"] = "SUCCESS"
        identity["MailFromAttributes"]["MailFromDomainStatus"] = "SUCCESS"
