"""GET and PUT /settings over HTTP."""

import json
import os
from typing import Any

import pytest

from chalicelib.banks.bank import Bank
from chalicelib.banks.webhook_endpoints import EndpointState, Status
from tests.app_bench import AWS, CARD, KEY, OTHER_KEY, Bench, fields, problem
from tests.fakes import Failing, Interrupted, Refusing, refusal

DEFAULTS: dict[str, Any] = {
    "webhooks": [],
    "flags": {
        "large_amount": {
            "mode": "on",
            "thresholds": {
                "CAD": "3000.00",
                "CHF": "2000.00",
                "EUR": "2000.00",
                "GBP": "2000.00",
                "MAD": "20000.00",
                "TND": "6000.000",
                "USD": "2000.00",
                "XAF": "1000000",
                "XOF": "1000000",
            },
        },
        "velocity": {"mode": "on", "count": 5, "minutes": 10},
        "unusual_amount": {"mode": "on", "times": "3", "deviations": "3", "min_count": 20},
        "duplicate_suspect": {"mode": "on", "minutes": 5},
        "new_country": {"mode": "on", "min_count": 10},
    },
    "alert_addresses": [],
    "confirm_addresses": False,
    "digest_after": 20,
}


SECRET = '{"secrets": [{"secret": "whsec_c2VjcmV0LW9mLWVhenljYXJk"}]}'


def put(bench: Bench, body: Any, **options: Any) -> Any:
    return bench.request("PUT", "/settings", body, **options)


def subscribed() -> dict[str, str]:
    """Return the bank whose alerts each address gets."""
    base = os.environ["OPERATOR_ALERTS_TOPIC_ARN"]
    found = AWS["sns"].list_subscriptions()["Subscriptions"]
    return {one["Endpoint"]: one["TopicArn"].removeprefix(f"{base}-") for one in found}


def test_a_bank_that_has_set_nothing_is_answered_the_defaults(bench: Bench) -> None:
    answer = bench.get("/settings")
    assert answer.status_code == 200
    assert answer.json_body == DEFAULTS


def test_what_is_put_is_answered_whole_and_read_back(bench: Bench) -> None:
    answer = put(bench, {"flags": {"velocity": {"mode": "shadow", "count": 3}}})
    assert answer.status_code == 200
    flags = {**DEFAULTS["flags"], "velocity": {"mode": "shadow", "count": 3, "minutes": 10}}
    assert answer.json_body == {**DEFAULTS, "flags": flags}
    assert bench.get("/settings").json_body == answer.json_body


def test_a_put_replaces_all_that_was_set_before(bench: Bench) -> None:
    put(bench, {"flags": {"velocity": {"count": 3}}, "alert_addresses": ["fraud@bank.example"]})
    put(bench, {})
    assert bench.get("/settings").json_body == DEFAULTS


def test_settings_are_a_banks_own(bench: Bench) -> None:
    put(bench, {"flags": {"velocity": {"count": 3}}, "alert_addresses": ["fraud@bank.example"]})
    assert bench.get("/settings", key=OTHER_KEY).json_body == DEFAULTS
    put(bench, {"alert_addresses": ["other@bank.example"]}, key=OTHER_KEY)
    assert bench.get("/settings").json_body["alert_addresses"] == ["fraud@bank.example"]


def test_alert_addresses_are_subscribed_to_the_banks_alerts_until_they_are_left_out(bench: Bench) -> None:
    put(bench, {"alert_addresses": ["fraud@bank.example", "night@bank.example"]})
    put(bench, {"alert_addresses": ["other@bank.example"]}, key=OTHER_KEY)
    assert subscribed() == {
        "fraud@bank.example": "eazycard",
        "night@bank.example": "eazycard",
        "other@bank.example": "other-bank",
    }
    put(bench, {"alert_addresses": ["night@bank.example"]})
    assert subscribed() == {"night@bank.example": "eazycard", "other@bank.example": "other-bank"}


def test_neither_subscriptions_nor_versions_are_shown(bench: Bench) -> None:
    body = put(bench, {"alert_addresses": ["fraud@bank.example"]}).body + bench.get("/settings").body
    assert b"arn:" not in body
    assert b"version" not in body


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"flags": {"velocity": {"count": 0}}}, "flags.velocity.count"),
        ({"flags": {"large_amount": {"thresholds": {"XAF": "0.5"}}}}, "flags.large_amount.thresholds.XAF"),
        ({"flags": {"unknown": {}}}, "flags.unknown"),
        ({"alert_addresses": ["nobody"]}, "alert_addresses.0"),
        ({"webhook": "https://bank.example"}, "webhook"),
        ({"webhook_url": "http://bank.example/"}, "webhook_url"),
        ({"webhook_url": "https://10.0.0.1/"}, "webhook_url"),
        ({"webhook_url": "http://127.0.0.1:8026/"}, "webhook_url"),  # in the local cloud only
        ({"webhook_url": None}, "webhook_url"),
        ({"webhook_url": f"https://bank.example/{'a' * 1000}"}, "webhook_url"),
        ({"webhooks": [{"url": "https://10.0.0.1/", "types": ["holder.changed"]}]}, "webhooks.0.url"),
        ({"webhooks": [{"url": "http://127.0.0.1:8026/", "types": ["holder.changed"]}]}, "webhooks.0.url"),
        ({"webhooks": [{"url": "https://bank.example/"}]}, "webhooks.0.types"),
        ({"webhooks": [{"url": "https://bank.example/", "types": []}]}, "webhooks.0.types"),
        ({"webhooks": [{"url": "https://bank.example/", "types": ["all"]}]}, "webhooks.0.types.0"),
        ({"webhooks": [{"url": "https://bank.example/", "types": ["webhook.test"]}] * 2}, "webhooks"),
        (
            {
                "webhook_url": "https://bank.example/",
                "webhooks": [{"url": "https://bank.example/", "types": ["webhook.test"]}],
            },
            "webhooks",
        ),
        (
            {"webhooks": [{"url": f"https://bank.example/{one}", "types": ["webhook.test"]} for one in range(6)]},
            "webhooks",
        ),
    ],
)
def test_a_broken_rule_is_a_400_that_names_the_field_and_changes_nothing(bench: Bench, body: Any, field: str) -> None:
    document = problem(put(bench, body), 400, "validation_failed")
    assert fields(document) == [field]
    assert bench.get("/settings").json_body == DEFAULTS
    assert subscribed() == {}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "malformed_body"),
        (b"[]", "malformed_body"),
        (b'{"flags": {}, "flags": {}}', "malformed_body"),
        (b'{"flags": {"velocity": {"count": NaN}}}', "malformed_body"),
        (json.dumps({"flags": {CARD: {}}}).encode(), "card_number_refused"),
    ],
)
def test_a_body_that_is_no_settings_is_refused(bench: Bench, body: bytes, code: str) -> None:
    problem(put(bench, body), 400, code)


def test_an_endpoint_is_answered_until_it_is_left_out(bench: Bench) -> None:
    url = "https://hooks.bank.example:8443/notifications?from=eazycard"
    assert put(bench, {"webhook_url": url}).json_body == {**DEFAULTS, "webhook_url": url}
    assert bench.get("/settings").json_body == {**DEFAULTS, "webhook_url": url}
    put(bench, {})
    assert bench.get("/settings").json_body == DEFAULTS


def test_a_bank_without_a_webhook_secret_is_told_to_get_one_first(bench: Bench) -> None:
    document = problem(put(bench, {"webhook_url": "https://bank.example/"}, key=OTHER_KEY), 400, "validation_failed")
    assert fields(document) == ["webhook_url"]
    assert "webhook secret" in document["errors"][0]["message"]
    assert bench.get("/settings", key=OTHER_KEY).json_body == DEFAULTS


def test_an_endpoint_that_was_disabled_is_answered_so_and_putting_what_was_answered_enables_it(bench: Bench) -> None:
    url = "https://bank.example/"
    put(bench, {"webhook_url": url})
    gone = {"default": EndpointState(url, Status.GONE, bench.now)}
    bench.banks.put_endpoint_states("eazycard", gone, bench.banks.settings("eazycard").version)
    answered = bench.get("/settings").json_body
    assert answered == {**DEFAULTS, "webhook_url": url, "webhooks_disabled_at": "2026-01-10T14:00:00Z"}
    assert put(bench, answered).json_body == {**DEFAULTS, "webhook_url": url}
    assert bench.get("/settings").json_body == {**DEFAULTS, "webhook_url": url}


def test_loopback_is_an_endpoint_in_the_local_cloud(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_ENDPOINTS", "yes")
    bench.restart()
    url = "http://127.0.0.1:8026/webhooks"
    assert put(bench, {"webhook_url": url}).json_body["webhook_url"] == url
    assert fields(problem(put(bench, {"webhook_url": "http://10.0.0.1/"}), 400, "validation_failed")) == ["webhook_url"]


def test_unknown_parameters_are_refused(bench: Bench) -> None:
    problem(bench.get("/settings", bank="other-bank"), 400, "validation_failed")
    problem(bench.request("PUT", "/settings?dry_run=true", {}), 400, "validation_failed")


def test_no_key_no_settings(bench: Bench) -> None:
    problem(bench.request("GET", "/settings", key=None), 401, "unknown_api_key")
    problem(bench.request("PUT", "/settings", {}, key="tn_unknown"), 401, "unknown_api_key")


def test_with_sns_down_nothing_is_changed_and_the_same_again_is_taken(bench: Bench, logged: Any) -> None:
    bench.restart(sns=Refusing(AWS["sns"], refusal("Throttled"), "subscribe"))
    body = {"flags": {"velocity": {"count": 3}}, "alert_addresses": ["fraud@bank.example"]}
    answer = put(bench, body)
    problem(answer, 503, "temporarily_unavailable")
    assert answer.headers["Retry-After"]
    assert bench.get("/settings").json_body == DEFAULTS
    bench.restart()
    assert put(bench, body).status_code == 200
    assert subscribed() == {"fraud@bank.example": "eazycard"}
    assert "fraud@bank.example" not in logged()


def test_when_an_address_could_not_be_taken_off_the_same_again_does_it(bench: Bench) -> None:
    put(bench, {"alert_addresses": ["fraud@bank.example"]})
    bench.restart(sns=Refusing(AWS["sns"], refusal("Throttled"), "unsubscribe"))
    problem(put(bench, {}), 503, "temporarily_unavailable")
    assert bench.get("/settings").json_body == DEFAULTS
    bench.restart()
    put(bench, {})
    assert subscribed() == {}


def test_an_address_that_another_bank_has_is_refused_without_saying_so(bench: Bench) -> None:
    put(bench, {"alert_addresses": ["shared@group.example"]}, key=OTHER_KEY)
    bench.restart(sns=Refusing(AWS["sns"], refusal("InvalidParameter"), "subscribe"))
    document = problem(put(bench, {"alert_addresses": ["shared@group.example"]}), 400, "validation_failed")
    assert fields(document) == ["alert_addresses.0"]
    assert "bank" not in document["errors"][0]["message"]


# The third read is that of the settings, after the key's and the bank's.
@pytest.mark.parametrize(("operation", "at"), [("get_item", 2), ("put_item", 0)])
def test_a_table_that_throttles_is_a_503(bench: Bench, operation: str, at: int) -> None:
    bench.restart(dynamodb=Failing(bench.dynamodb, refusal("ThrottlingException"), at, operation))
    problem(put(bench, {}), 503, "temporarily_unavailable")
    assert put(bench, {}).status_code == 200


def test_a_bank_that_signs_must_sign_its_settings(bench: Bench) -> None:
    secret = AWS["secretsmanager"].create_secret(Name="signing", SecretString=SECRET)["ARN"]
    bench.banks.change_bank("eazycard", signing_secret_arn=secret)
    bench.restart()
    problem(put(bench, {}, key=KEY), 401, "invalid_signature")
    assert bench.get("/settings").status_code == 200


WHOLE: dict[str, Any] = {
    "flags": {"velocity": {"count": 3, "mode": "shadow"}, "large_amount": {"thresholds": {"XAF": "5"}}},
    "alert_addresses": ["fraud@bank.example"],
    "webhook_url": "https://bank.example/",
}


@pytest.mark.parametrize(
    ("body", "reset"),
    [
        (WHOLE, []),
        (
            {},
            [
                "alert_addresses",
                "flags.large_amount.thresholds",
                "flags.velocity.count",
                "flags.velocity.mode",
                "webhook_url",
            ],
        ),
        ({**WHOLE, "flags": {"velocity": {"count": 4}}}, ["flags.large_amount.thresholds", "flags.velocity.mode"]),
        ({**WHOLE, "alert_addresses": [], "flags": WHOLE["flags"]}, []),
        ({"flags": WHOLE["flags"], "alert_addresses": []}, ["webhook_url"]),
    ],
)
def test_a_put_says_what_it_has_reset_by_leaving_it_out(bench: Bench, body: Any, reset: list[str]) -> None:
    assert "warnings" not in put(bench, WHOLE).json_body
    answer = put(bench, body).json_body
    warnings = answer.pop("warnings", [])
    assert sorted(warning["field"] for warning in warnings) == reset
    assert all(warning["message"] == "Was left out, and is set to its default." for warning in warnings)
    assert bench.get("/settings").json_body == answer
    assert "warnings" not in put(bench, body).json_body


def patch(bench: Bench, body: Any, **options: Any) -> Any:
    return bench.request("PATCH", "/settings", body, **options)


def test_a_patch_changes_what_it_names_and_null_sets_the_default(bench: Bench) -> None:
    before = put(bench, WHOLE).json_body
    answer = patch(bench, {"flags": {"velocity": {"count": 9}}}, content_type="application/merge-patch+json")
    assert answer.status_code == 200
    expected = json.loads(json.dumps(before))
    expected["flags"]["velocity"]["count"] = 9
    assert answer.json_body == bench.get("/settings").json_body == expected
    cleared = patch(bench, {"flags": {"velocity": None, "large_amount": {"thresholds": {"XAF": None, "EUR": 10}}}})
    flags = cleared.json_body["flags"]
    assert flags["velocity"] == DEFAULTS["flags"]["velocity"]
    assert flags["large_amount"]["thresholds"] == {"EUR": "10.00"}
    assert patch(bench, {"flags": None, "alert_addresses": None, "webhook_url": None}).json_body == DEFAULTS
    assert subscribed() == {}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"flags": {"velocity": {"count": 0}}}, "flags.velocity.count"),
        ({"webhook_url": "https://10.0.0.1/"}, "webhook_url"),
        ({"webhook": None, "flags": {"other": {}}}, "flags.other"),
    ],
)
def test_a_bad_patch_is_a_400_that_names_the_field_and_changes_nothing(bench: Bench, body: Any, field: str) -> None:
    before = put(bench, WHOLE).json_body
    assert field in fields(problem(patch(bench, body), 400, "validation_failed"))
    assert bench.get("/settings").json_body == before


@pytest.mark.parametrize(("method", "body"), [("PUT", {}), ("PATCH", {"alert_addresses": []})])
def test_if_match_with_another_tag_is_412_and_changes_nothing(bench: Bench, method: str, body: Any) -> None:
    assert bench.request(method, "/settings", body, if_match="*").status_code == 200
    old = bench.get("/settings").headers["ETag"]
    before = put(bench, WHOLE)
    tag = before.headers["ETag"]
    assert tag == bench.get("/settings").headers["ETag"] != old
    for refused in (old, f"W/{tag}", "x"):
        problem(bench.request(method, "/settings", body, if_match=refused), 412, "precondition_failed")
    assert bench.get("/settings").json_body == before.json_body
    assert subscribed() == {"fraud@bank.example": "eazycard"}
    assert bench.request(method, "/settings", body, if_match=f"{old}, {tag}").status_code == 200
    assert subscribed() == {}


@pytest.mark.parametrize(("if_match", "status", "code"), [(True, 412, "precondition_failed"), (False, 503, None)])
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_of_two_writers_the_second_is_refused_even_between_its_read_and_its_write(
    bench: Bench, method: str, if_match: bool, status: int, code: str | None
) -> None:
    tag = put(bench, {"flags": {"velocity": {"count": 3}}}).headers["ETag"]
    dynamodb = bench.dynamodb

    def other_writer() -> None:
        bench.restart(dynamodb=dynamodb)
        assert patch(bench, {"flags": {"velocity": {"count": 4}}}, if_match=tag).status_code == 200

    bench.restart(dynamodb=Interrupted(dynamodb, other_writer, operation="put_item"))
    body = {"flags": {"velocity": {"count": 5}}}
    answer = bench.request(method, "/settings", body, **({"if_match": tag} if if_match else {}))
    problem(answer, status, code or "temporarily_unavailable")
    assert bench.get("/settings").json_body["flags"]["velocity"]["count"] == 4


def test_on_the_trial_plan_addresses_are_confirmed_whatever_is_stored(bench: Bench) -> None:
    before = bench.get("/settings")
    bench.banks.put_bank(Bank("eazycard", "EAZYCard", "XAF", "trial"))
    bench.restart()
    shown = bench.get("/settings")
    assert (before.json_body["confirm_addresses"], shown.json_body["confirm_addresses"]) == (False, True)
    assert shown.headers["ETag"] != before.headers["ETag"]
    for method in ("PUT", "PATCH"):
        refused = bench.request(method, "/settings", {"confirm_addresses": False})
        assert refused.status_code == 400
        assert [one["field"] for one in refused.json_body["errors"]] == ["confirm_addresses"]
        for body in ({}, {"digest_after": 5}, {"confirm_addresses": True}):
            assert bench.request(method, "/settings", body).json_body["confirm_addresses"] is True
    tagged = bench.request("PATCH", "/settings", {"digest_after": 6}, if_match=shown.headers["ETag"])
    assert tagged.status_code == 412
