"""What SES's bounces and complaints say: each subtype by itself, and what a mail server's answer adds."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.holders.holder import Suppressed
from chalicelib.notifications.state import Kind
from chalicelib.notifications.verdicts import (
    COMPLAINT,
    HARD_BOUNCE,
    ON_SES_LIST,
    POLICY_BOUNCE,
    REASONS,
    Verdict,
    of_bounce,
    of_complaint,
    word,
)

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("type_", "subtype", "kind", "reason", "suppresses"),
    [
        ("Permanent", "General", Kind.HARD_BOUNCE, "hard: General", HARD_BOUNCE),
        ("Permanent", "NoEmail", Kind.HARD_BOUNCE, "hard: NoEmail", HARD_BOUNCE),
        ("Permanent", "SomethingNew", Kind.HARD_BOUNCE, "hard: SomethingNew", HARD_BOUNCE),
        ("Permanent", None, Kind.HARD_BOUNCE, "hard: unknown", HARD_BOUNCE),
        ("Permanent", "Suppressed", Kind.HARD_BOUNCE, "hard: Suppressed", ON_SES_LIST),
        ("Permanent", "OnAccountSuppressionList", Kind.HARD_BOUNCE, "hard: OnAccountSuppressionList", ON_SES_LIST),
        *(
            ("Transient", subtype, Kind.SOFT_BOUNCE, f"soft: {subtype}", None)
            for subtype in ("General", "MailboxFull", "MessageTooLarge", "ContentRejected", "AttachmentRejected")
        ),
        ("Undetermined", "Undetermined", Kind.SOFT_BOUNCE, "soft: Undetermined", None),
    ],
)
def test_each_kind_of_bounce(type_: str, subtype: str | None, kind: Kind, reason: str, suppresses: str | None) -> None:
    bounce = {"bounceType": type_, "bounceSubType": subtype}
    assert of_bounce(bounce) == Verdict(kind, reason, suppresses)


@pytest.mark.parametrize(
    ("recipient", "suppresses"),
    [
        ({"status": "5.7.26"}, POLICY_BOUNCE),
        ({"status": "5.7.1", "diagnosticCode": "smtp; 550 refused"}, POLICY_BOUNCE),
        ({"diagnosticCode": "smtp; 550 5.7.26 Unauthenticated email from example.com"}, POLICY_BOUNCE),
        ({"diagnosticCode": "smtp; 550-5.7.1 [10.5.7.1] blocked"}, POLICY_BOUNCE),
        ({"diagnosticCode": "smtp; 554 #5.7.0 not now."}, POLICY_BOUNCE),
        ({"status": "5.0.0", "diagnosticCode": "smtp; 550 5.7.509: Access denied"}, POLICY_BOUNCE),
        ({"status": "5.1.1"}, HARD_BOUNCE),
        ({"status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 no such user, see example.com/?p=5.7.1"}, HARD_BOUNCE),
        ({"diagnosticCode": "smtp; 550 user unknown at 10.5.7.1"}, HARD_BOUNCE),
        ({"diagnosticCode": "smtp; 550 server 15.7.1 says no"}, HARD_BOUNCE),
        ({"status": "5.70.1"}, HARD_BOUNCE),
        ({"status": "5.7"}, HARD_BOUNCE),
        ({"status": ["5.7.1"], "diagnosticCode": 5.7}, HARD_BOUNCE),
        ({}, HARD_BOUNCE),
        ("5.7.1", HARD_BOUNCE),
    ],
)
def test_a_server_s_answer_tells_a_policy_from_a_mailbox_that_is_not_there(recipient: Any, suppresses: str) -> None:
    bounce = {"bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": [recipient]}
    assert of_bounce(bounce).suppresses == suppresses


@pytest.mark.parametrize("recipients", [None, [], {}, "5.7.1", 7])
def test_a_bounce_without_its_recipients_is_about_the_mailbox(recipients: Any) -> None:
    assert of_bounce({"bounceType": "Permanent", "bouncedRecipients": recipients}).suppresses == HARD_BOUNCE


def test_a_policy_that_refuses_an_email_for_now_suppresses_nothing() -> None:
    bounce = {"bounceType": "Transient", "bounceSubType": "General", "bouncedRecipients": [{"status": "5.7.1"}]}
    assert of_bounce(bounce).suppresses is None


@pytest.mark.parametrize(
    ("feedback", "reason"),
    [
        ("abuse", "abuse"),
        ("fraud", "fraud"),
        ("virus", "virus"),
        ("other", "other"),
        (None, "abuse"),
        (["x"], "unknown"),
    ],
)
def test_each_complaint_of_a_holder(feedback: Any, reason: str) -> None:
    for complaint in (
        {"complaintFeedbackType": feedback},
        {"complaintFeedbackType": feedback, "complaintSubType": None},
    ):
        assert of_complaint(complaint) == Verdict(Kind.COMPLAINT, reason, COMPLAINT)


@pytest.mark.parametrize("feedback", ["not-spam", "auth-failure"])
def test_a_report_that_no_holder_wrote_is_no_complaint(feedback: str) -> None:
    assert of_complaint({"complaintFeedbackType": feedback}) is None


@pytest.mark.parametrize("feedback", [None, "abuse", "auth-failure"])
def test_an_email_that_ses_kept_back_by_its_own_list_is_rejected_and_no_complaint(feedback: str | None) -> None:
    complaint = {"complaintSubType": "OnAccountSuppressionList", "complaintFeedbackType": feedback}
    assert of_complaint(complaint) == Verdict(Kind.REJECT, "OnAccountSuppressionList")


def test_what_passes_lapses_after_14_days_and_the_rest_does_not() -> None:
    lapsing = {
        reason
        for reason in REASONS
        if (found := Verdict(Kind.HARD_BOUNCE, None, reason).suppressed(NOW))
        and found.until == NOW + timedelta(days=14)
    }
    assert lapsing == {POLICY_BOUNCE, ON_SES_LIST}
    assert Verdict(Kind.COMPLAINT, None, COMPLAINT).suppressed(NOW) == Suppressed(COMPLAINT, NOW)
    assert Verdict(Kind.DELIVERY).suppressed(NOW) is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("MailboxFull", "MailboxFull"),
        ("not-spam 2_0", "not-spam 2_0"),
        ("x" * 64, "x" * 64),
        *((text, "unknown") for text in ("x" * 65, "", " x", "<b>", "550 <awa@example.com>", 7, None)),
    ],
)
def test_only_a_plain_word_or_two_of_a_mail_server_s_is_shown(text: Any, shown: str) -> None:
    assert word(text) == shown


def test_the_reasons_of_a_suppression_are_the_contract_s_words() -> None:
    assert REASONS == ("complaint", "hard_bounce", "policy_bounce", "ses_suppression_list")
