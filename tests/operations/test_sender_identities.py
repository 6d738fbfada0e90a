"""SES identities of banks' own domains."""

import pytest

from operations.sender_identities import BANK_TAG, STAGE_TAG, IdentityRefused, SenderIdentities
from tests.fake_identities import FakeSes

DOMAIN = "eazycard.example"


@pytest.fixture
def ses() -> FakeSes:
    return FakeSes()


@pytest.fixture
def identities(ses: FakeSes) -> SenderIdentities:
    return SenderIdentities(ses, "prod", "eu-west-3")


def test_a_new_domain_becomes_an_identity_of_the_bank_and_the_stage_and_its_records_are_told(
    identities: SenderIdentities, ses: FakeSes
) -> None:
    lines = identities.prepare("eazycard", DOMAIN)

    assert [line.strip() for line in lines if "CNAME" in line] == [
        "t1._domainkey.eazycard.example CNAME t1.dkim.amazonses.com",
        "t2._domainkey.eazycard.example CNAME t2.dkim.amazonses.com",
    ]
    assert any("_dmarc.eazycard.example TXT" in line for line in lines)
    identity = ses.identities[DOMAIN]
    assert {tag["Key"]: tag["Value"] for tag in identity["Tags"]} == {
        "project": "transaction-notifier",
        STAGE_TAG: "prod",
        BANK_TAG: "eazycard",
    }
    assert identity["FeedbackForwardingStatus"] is False


def test_a_bounce_domain_has_an_mx_and_an_spf_record_of_the_region(identities: SenderIdentities, ses: FakeSes) -> None:
    lines = [line.strip() for line in identities.prepare("eazycard", DOMAIN, f"bounce.{DOMAIN}")]
    assert f"bounce.{DOMAIN} MX 10 feedback-smtp.eu-west-3.amazonses.com" in lines
    assert f'bounce.{DOMAIN} TXT "v=spf1 include:amazonses.com ~all"' in lines
    # A missing MX record must not stop the e-mails.
    assert ses.identities[DOMAIN]["MailFromAttributes"]["BehaviorOnMxFailure"] == "USE_DEFAULT_VALUE"


def test_a_domain_is_used_only_once_ses_has_verified_it(identities: SenderIdentities, ses: FakeSes) -> None:
    with pytest.raises(IdentityRefused, match="no identity"):
        identities.check_usable("eazycard", DOMAIN)
    identities.prepare("eazycard", DOMAIN)
    with pytest.raises(IdentityRefused, match=r"not verified eazycard\.example yet"):
        identities.check_usable("eazycard", DOMAIN)

    ses.verify(DOMAIN)

    assert identities.prepare("eazycard", DOMAIN) == []
    identities.check_usable("eazycard", DOMAIN)


@pytest.mark.parametrize(("stage", "bank"), [("prod", "other-bank"), ("dev", "eazycard")])
def test_a_domain_of_another_bank_or_stage_is_refused_and_stays_as_it_is(
    ses: FakeSes, identities: SenderIdentities, stage: str, bank: str
) -> None:
    SenderIdentities(ses, stage, "eu-west-3").prepare(bank, DOMAIN)
    ses.verify(DOMAIN)
    before = repr(ses.identities)
    for attempt in (
        lambda: identities.prepare("eazycard", DOMAIN),
        lambda: identities.check_usable("eazycard", DOMAIN),
    ):
        with pytest.raises(IdentityRefused, match=f"for the bank {bank} of the stage {stage}"):
            attempt()
    assert repr(ses.identities) == before


def test_an_identity_that_the_account_has_for_something_else_is_refused(
    ses: FakeSes, identities: SenderIdentities
) -> None:
    ses.create_email_identity(EmailIdentity=DOMAIN)
    with pytest.raises(IdentityRefused, match=f"{STAGE_TAG}=prod and {BANK_TAG}=eazycard"):
        identities.prepare("eazycard", DOMAIN)
    assert ses.identities[DOMAIN]["FeedbackForwardingStatus"] is True


@pytest.mark.parametrize("bounce_domain", [DOMAIN, "bounce.other.example", "bounceeazycard.example"])
def test_a_bounce_domain_is_below_the_domain(ses: FakeSes, identities: SenderIdentities, bounce_domain: str) -> None:
    with pytest.raises(IdentityRefused, match=r"must be below eazycard\.example"):
        identities.prepare("eazycard", DOMAIN, bounce_domain)
    assert ses.identities == {}


@pytest.mark.parametrize("identity", ["a@mail.bank.example", "mail.bank.example", "bank.example"])
def test_ses_sends_from_an_address_by_a_verified_identity_of_it_or_above_it(
    ses: FakeSes, identities: SenderIdentities, identity: str
) -> None:
    assert not identities.sends_from("a@mail.bank.example")
    ses.create_email_identity(EmailIdentity=identity)
    assert not identities.sends_from("a@mail.bank.example")
    ses.verify(identity)
    assert identities.sends_from("a@mail.bank.example")
    assert not identities.sends_from("a@other.example")
