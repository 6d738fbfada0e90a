"""Staff's routes of webhooks: as the bank's, and a time span's sent again; what an admin does is in the trail."""

from datetime import timedelta
from typing import Any

import pytest

import app as app_module
from chalicelib.audit.repository import AuditRepository
from chalicelib.banks.secret_rotation import first_stored
from chalicelib.banks.signatures import valid_secrets
from chalicelib.webhooks.webhook import unpack
from tests.app_bench import AWS, NOW, Bench, fields, problem
from tests.fakes import Failing, refusal
from tests.staff_world import Desk, signed_in
from tests.webhook_desk import BROKEN, OLD
from tests.webhook_routes import URL, tried

SPAN = {"from": "2026-01-10", "to": "2026-01-10"}
RESEND = "/staff/webhooks/resend"
SECRET = "/staff/webhooks/secret"


@pytest.fixture
def admin(bench: Bench) -> Desk:
    return signed_in(bench, "admin", sub="s-9")


def noted(bench: Bench) -> list[tuple[str, str]]:
    found = AuditRepository(bench.dynamodb, "AuditTable", 10).of_bank("eazycard", NOW, NOW + timedelta(days=1))
    return [(entry.action, entry.author.id) for entry in found if entry.author.kind == "staff"]


def test_attempts_are_those_that_the_bank_reads(bench: Bench) -> None:
    tried(bench, "eazycard", 1)
    tried(bench, "other-bank", 2)
    answer = signed_in(bench, "viewer").get("/staff/webhooks/attempts")
    assert answer.json_body == bench.get("/webhooks/attempts").json_body
    assert len(answer.json_body["attempts"]) == 1


def test_an_admin_tests_the_endpoints(bench: Bench, admin: Desk, endpoints: Any) -> None:
    problem(admin.post("/staff/webhooks/test"), 404, "no_endpoint")
    bench.request("PUT", "/settings", {"webhook_url": URL})
    (test,) = admin.post("/staff/webhooks/test").json_body["tests"]
    assert (test["url"], test["accepted"]) == (URL, True)
    assert noted(bench) == [("webhook.test", "s-9")] * 2


def test_an_admin_sends_one_again(bench: Bench, admin: Desk) -> None:
    webhook, foreign = tried(bench, "eazycard", 1, BROKEN), tried(bench, "other-bank", 2, BROKEN)
    bench.now += timedelta(minutes=2)
    assert admin.post(f"/staff/webhooks/{webhook.id}/resend").json_body["state"] == "queued"
    problem(admin.post(f"/staff/webhooks/{webhook.id}/resend"), 429, "tried_lately")
    problem(admin.post(f"/staff/webhooks/{foreign.id}/resend"), 404, "webhook_not_found")
    assert [unpack(body).id for body in bench.queued("WEBHOOK_QUEUE_URL")] == [webhook.id]


def test_an_admin_sends_a_time_span_again_call_after_call(
    bench: Bench, admin: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chalicelib.webhooks.resending.MOST_A_CALL", 2)
    failed = [tried(bench, "eazycard", number, BROKEN).id for number in range(3)]
    tried(bench, "eazycard", 3)
    tried(bench, "other-bank", 4, BROKEN)
    bench.now += timedelta(minutes=2)
    first = admin.post(RESEND, SPAN).json_body
    assert first["resent"] == 2
    problem(admin.post(RESEND, {**SPAN, "to": "2026-01-11", "cursor": first["next_cursor"]}), 400, "invalid_cursor")
    stranger = signed_in(bench, "admin", bank="other-bank")
    problem(stranger.post(RESEND, {**SPAN, "cursor": first["next_cursor"]}), 400, "invalid_cursor")
    assert admin.post(RESEND, {**SPAN, "cursor": first["next_cursor"]}).json_body == {"resent": 1}
    assert [unpack(body).id for body in bench.queued("WEBHOOK_QUEUE_URL")] == failed[::-1]
    assert noted(bench) == [("webhook.resend", "s-9")] * 2
    assert app_module.services.webhook_resender is not None


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, ["from", "to"]),
        ({**SPAN, "to": 3}, ["to"]),
        ({**SPAN, "limit": 3}, ["limit"]),
        ({"from": "2026-01-11", "to": "2026-01-10"}, ["from"]),
        ({**SPAN, "to": "soon"}, ["to"]),
        ({**SPAN, "cursor": None}, ["cursor"]),
    ],
)
def test_what_is_no_time_span_is_named(bench: Bench, admin: Desk, body: Any, wrong: list[str]) -> None:
    assert fields(problem(admin.post(RESEND, body), 400, "validation_failed")) == wrong
    assert noted(bench) == []


def stored(bench: Bench, bank: str = "eazycard") -> str:
    arn = AWS["secretsmanager"].create_secret(Name=f"of-{bank}", SecretString=first_stored(OLD))["ARN"]
    bench.banks.change_bank(bank, webhook_secret_arn=arn)
    bench.restart()
    return str(arn)


def valid(bench: Bench, arn: str) -> list[str]:
    return list(valid_secrets(AWS["secretsmanager"].get_secret_value(SecretId=arn)["SecretString"], bench.now))


def test_an_admin_replaces_the_secret_and_sees_it_once(
    bench: Bench, admin: Desk, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    problem(admin.post(SECRET), 404, "no_webhook_secret")
    arn, foreign = stored(bench), stored(bench, "other-bank")
    answer = admin.post(SECRET)
    secret = answer.json_body["secret"]
    assert answer.json_body == {"secret": secret, "previous_valid_until": "2026-01-11T14:00:00Z"}
    assert answer.headers["Cache-Control"] == "no-store"
    assert (valid(bench, arn), valid(bench, foreign)) == ([secret, OLD], [OLD])
    problem(admin.post(SECRET), 429, "tried_lately")
    assert noted(bench) == [("webhook_secret.issue", "s-9")]
    for path in ("/staff/settings", "/staff/webhooks/attempts", "/staff/audit"):
        assert secret not in str(admin.get(path).json_body)
    assert secret not in caplog.text + capsys.readouterr().out
    bench.now += timedelta(days=1)
    assert valid(bench, arn) == [secret]


def test_the_secret_is_not_replaced_when_that_can_t_be_noted(bench: Bench, admin: Desk) -> None:
    arn = stored(bench)
    bench.restart(dynamodb=Failing(bench.dynamodb, refusal("ThrottlingException"), operation="put_item"))
    problem(admin.post(SECRET), 503, "temporarily_unavailable")
    assert valid(bench, arn) == [OLD]


def test_a_viewer_reads_the_body_that_was_sent_and_that_is_a_look_at_the_transaction(bench: Bench) -> None:
    webhook, foreign = tried(bench, "eazycard", 1, BROKEN), tried(bench, "other-bank", 2)
    viewer = signed_in(bench, "viewer", sub="s-1")
    answer = viewer.get(f"/staff/webhooks/{webhook.id}/body")
    assert answer.json_body == {
        "id": webhook.id,
        "type": "notification.bounced",
        "endpoint": "default",
        "body": webhook.body,
    }
    assert noted(bench) == [("transaction.viewed", "s-1")]
    for unknown in (foreign.id, "secret", "x" * 2000, "%C3%A9"):
        problem(viewer.get(f"/staff/webhooks/{unknown}/body"), 404, "webhook_not_found")
    assert len(noted(bench)) == 1
    bench.now += timedelta(days=8)
    problem(viewer.get(f"/staff/webhooks/{webhook.id}/body"), 404, "webhook_not_found")


def test_the_body_of_a_test_is_nobody_s_transaction(bench: Bench, admin: Desk, endpoints: Any) -> None:
    bench.request("PUT", "/settings", {"webhook_url": URL})
    (sent,) = admin.post("/staff/webhooks/test").json_body["tests"]
    assert '"webhook.test"' in admin.get(f"/staff/webhooks/{sent['id']}/body").json_body["body"]
    assert noted(bench) == [("webhook.test", "s-9")]
