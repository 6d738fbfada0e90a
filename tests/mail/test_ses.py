"""The one exit for e-mail: calls within SES's limits, and what each answer means."""

from dataclasses import replace
from email.utils import parseaddr
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from chalicelib.errors import TemporarilyUnavailable
from chalicelib.mail.sender import Sender
from chalicelib.mail.ses import Email, SendResult, SesOutbox, _result
from tests.fakes import Failing, FakeSes, Refusing, refusal
from tests.samples import PROJECT_DIR


def email(number: int, html: str = "<p>hello</p>") -> Email:
    return Email(f"holder{number}@example.com", f"Subject {number}", "hello", html, (("bank", "b"), ("holder", "h.1")))


def outbox(ses: object) -> SesOutbox:
    return SesOutbox(ses, "EAZYCard <alerts@example.com>", "configuration")


def send(ses: object, emails: list[Email]) -> list[SendResult]:
    """Return what became of each e-mail, in order, after checking that each was told of once."""
    pairs = [pair for results in outbox(ses).send(emails) for pair in results]
    assert [position for position, _ in pairs] == list(range(len(emails)))
    return [result for _, result in pairs]


def test_120_emails_go_out_in_3_calls() -> None:
    ses = FakeSes()
    results = send(ses, [email(number) for number in range(120)])
    assert ses.calls == 3
    assert [accepted["to"] for accepted in ses.accepted] == [f"holder{number}@example.com" for number in range(120)]
    assert [result.message_id for result in results] == [f"message-{number}" for number in range(1, 121)]


def test_large_emails_are_cut_by_bytes() -> None:
    ses = FakeSes()
    results = send(ses, [email(number, html="é" * 40_000) for number in range(30)])
    assert ses.calls > 2
    assert all(result.message_id for result in results)


def test_nothing_to_send_makes_no_call() -> None:
    ses = FakeSes()
    assert send(ses, []) == []
    assert ses.calls == 0


def test_what_is_sent_arrives_unchanged_braces_included() -> None:
    ses = FakeSes()
    send(ses, [email(1, html='<p title="{{x}}">{{html}} & "é" \\u0041</p>')])
    (accepted,) = ses.accepted
    assert accepted["html"] == '<p title="{{x}}">{{html}} & "é" \\u0041</p>'
    assert accepted["headers"] == {"Auto-Submitted": "auto-generated"}
    assert accepted["tags"] == {"bank": "b", "holder": "h.1"}
    assert accepted["from"] == "EAZYCard <alerts@example.com>"


def test_an_email_s_own_headers_go_beside_those_that_all_have() -> None:
    ses, own = (
        FakeSes(),
        (("List-Unsubscribe", "<https://x.example/t>"), ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")),
    )
    send(ses, [replace(email(1), headers=own), email(2)])
    assert [accepted["headers"] for accepted in ses.accepted] == [
        {"Auto-Submitted": "auto-generated", **dict(own)},
        {"Auto-Submitted": "auto-generated"},
    ]


def runbook() -> dict[str, str]:
    """Return what the runbook says that the mailer does, by what SES says."""
    lines = (PROJECT_DIR / "docs" / "runbook.md").read_text().partition("| SES says |")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines.splitlines()[2:]]
    assert all(len(row) == 4 and all(row) for row in rows)
    return {row[0].strip("`"): row[2] for row in rows}


def test_the_runbook_says_of_all_that_ses_can_say_what_the_mailer_does() -> None:
    model = botocore.session.get_session().get_service_model("sesv2")
    statuses = set(model.shape_for("BulkEmailStatus").enum) - {"SUCCESS"}
    errors = {shape.name for shape in model.operation_model("SendBulkEmail").error_shapes}
    told = runbook()
    assert told.keys() == statuses | errors | {"NO_RESULT", "SENDER_UNKNOWN"}
    for status in statuses:
        ses = FakeSes()
        ses.statuses["holder0@example.com"] = status
        (result,) = send(ses, [email(0)])
        assert result.reason == status
        assert told[status].startswith("refused" if result.final else "tried"), status
    for code in errors:
        (result,) = send(Refusing(FakeSes(), refusal(code), "send_bulk_email"), [email(0)])
        assert result.reason == code
        assert told[code].startswith("halved" if result.final else "tried"), code


def test_the_runbook_says_which_answers_are_tried_when_an_identity_is_not_verified() -> None:
    for code, does in runbook().items():
        result = _result({"Status": code, "Error": "Email address is not verified."})
        assert not result.final
        assert ("not verified" in does) == does.startswith(("refused", "halved")), code


@pytest.mark.parametrize("status", ["MESSAGE_REJECTED", "INVALID_PARAMETER"])
def test_an_entry_that_is_refused_for_good_harms_no_other(status: str) -> None:
    ses = FakeSes()
    ses.statuses["holder1@example.com"] = status
    results = send(ses, [email(0), email(1), email(2)])
    assert [bool(result.message_id) for result in results] == [True, False, True]
    assert (results[1].reason, results[1].final) == (status, True)


@pytest.mark.parametrize(
    "status",
    [
        "ACCOUNT_THROTTLED",
        "ACCOUNT_DAILY_QUOTA_EXCEEDED",
        "ACCOUNT_SENDING_PAUSED",
        "ACCOUNT_SUSPENDED",
        "CONFIGURATION_SET_NOT_FOUND",
        "MAIL_FROM_DOMAIN_NOT_VERIFIED",
        "TRANSIENT_FAILURE",
        "FAILED",
    ],
)
def test_an_entry_that_is_refused_for_a_passing_reason_may_be_tried_again(status: str) -> None:
    ses = FakeSes()
    ses.statuses["holder1@example.com"] = status
    results = send(ses, [email(0), email(1)])
    assert (results[1].reason, results[1].final) == (status, False)


def test_an_address_that_is_not_verified_is_for_the_operator_to_mend() -> None:
    rejected = ClientError({"Error": {"Code": "MessageRejected", "Message": "Email address is not verified."}}, "Send")
    (result,) = send(Failing(FakeSes(), rejected), [email(0)])
    assert not result.final


@pytest.mark.parametrize("code", ["TooManyRequestsException", "SendingPausedException", "InternalFailure", "NotFound"])
def test_a_call_that_is_throttled_puts_off_all_of_its_entries(code: str) -> None:
    ses = FakeSes()
    ses.refuses_call_with = code
    results = send(ses, [email(0), email(1)])
    assert [(result.reason, result.final) for result in results] == [(code, False)] * 2


def test_an_email_that_spoils_its_call_is_found_by_halving_and_the_others_go_out() -> None:
    ses = FakeSes()
    ses.rejects_calls_to = {"holder37@example.com"}
    results = send(ses, [email(number) for number in range(50)])
    refused = [number for number, result in enumerate(results) if result.message_id is None]
    assert refused == [37]
    assert results[37].final
    assert len(ses.accepted) == 49


def test_an_answer_that_does_not_come_puts_off_all_and_raises_nothing() -> None:
    ses = Failing(FakeSes(), ReadTimeoutError(endpoint_url="https://email.example"))
    assert [result.reason for result in send(ses, [email(0)])] == ["ReadTimeoutError"]


def test_missing_rights_are_for_the_operator_to_mend_so_the_email_is_kept() -> None:
    ses = Failing(FakeSes(), refusal("AccessDeniedException"))
    (result,) = send(ses, [email(0)])
    assert not result.final


def test_a_sender_s_name_outside_of_ascii_is_an_encoded_word() -> None:
    ses = FakeSes()
    list(SesOutbox(ses, "Société Générale <alerts@example.com>", "configuration").send([email(0)]))
    (accepted,) = ses.accepted
    assert accepted["from"] == "=?utf-8?b?U29jacOpdMOpIEfDqW7DqXJhbGU=?= <alerts@example.com>"


def test_an_entry_that_ses_says_nothing_of_counts_as_not_sent() -> None:
    class Terse(FakeSes):
        def send_bulk_email(self, **call: Any) -> dict[str, Any]:
            return {"BulkEmailEntryResults": super().send_bulk_email(**call)["BulkEmailEntryResults"][:1]}

    first, second = send(Terse(), [email(0), email(1)])
    assert first.message_id
    assert (second.reason, second.final) == ("NO_RESULT", False)


def test_a_call_holds_the_emails_of_one_bank_and_has_its_sender() -> None:
    ses = FakeSes()
    senders = {"b1": Sender("one@example.com", "Banque Un, Cameroun"), "b2": Sender("two@example.com", "Crédit; Deux")}
    mails = [replace(email(number), tags=(("bank", f"b{number % 3}"),)) for number in range(6)]
    own = SesOutbox(ses, "Stage <s@example.com>", "c", lambda bank, stage: senders.get(bank, stage))
    pairs = [pair for results in own.send(mails) for pair in results]
    assert ses.calls == 3
    assert sorted(position for position, result in pairs if result.message_id) == list(range(6))
    sent_from = {accepted["to"]: accepted["from"] for accepted in ses.accepted}
    assert sent_from["holder0@example.com"] == sent_from["holder3@example.com"] == "Stage <s@example.com>"
    assert sent_from["holder1@example.com"] == '"Banque Un, Cameroun" <one@example.com>'
    assert parseaddr(sent_from["holder2@example.com"])[1] == "two@example.com"


def test_emails_of_a_bank_whose_sender_cannot_be_read_are_put_off_and_harm_no_other() -> None:
    def sender_of(bank: str, stage: Sender) -> Sender:
        if bank == "b0":
            raise TemporarilyUnavailable
        return stage

    ses = FakeSes()
    mails = [replace(email(number), tags=(("bank", f"b{number}"),)) for number in range(2)]
    results = dict(pair for part in SesOutbox(ses, "s@example.com", "c", sender_of).send(mails) for pair in part)
    assert (results[0].reason, results[0].final) == ("SENDER_UNKNOWN", False)
    assert results[1].message_id
