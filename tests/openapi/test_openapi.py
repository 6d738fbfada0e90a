"""The committed description: what the generator makes, valid, and true to the routes, the errors and the gateway."""

import dataclasses
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

import app as app_module
from chalicelib.api.json_body import read_json
from chalicelib.api.problems import ANSWERS
from chalicelib.api.staff_cases import note_in, outcome_in
from chalicelib.api.staff_flags import trial_in
from chalicelib.api.staff_webhooks import span_in
from chalicelib.api.transaction_body import read_transaction
from chalicelib.banks.settings import load_settings
from chalicelib.banks.webhook_endpoints import ALERT_ANSWERED, HOLDER_CHANGED
from chalicelib.changes.answer_teller import Answered
from chalicelib.changes.answer_teller import webhook_of as webhook_of_answer
from chalicelib.changes.change_teller import webhook_of as webhook_of_change
from chalicelib.errors import DomainError
from chalicelib.flags.answers import Answer, HolderAnswer
from chalicelib.flags.repository import Flagging
from chalicelib.holders.change import HolderChange
from chalicelib.holders.holder import Holder, load_holder, load_patch
from chalicelib.ledger.posted import load_transaction
from chalicelib.notifications.state import NotificationKey
from chalicelib.webhooks.flagged import webhook_of as webhook_of_flagging
from chalicelib.webhooks.webhook import TYPES, webhook_of
from chalicelib.webhooks.webhook import test_of as endpoint_test
from infra.package import PROJECT_DIR
from openapi.__main__ import OPENAPI, main, texts
from openapi.problems import gateway_answers
from tests.described import DESCRIPTION, EXACT, FILE, validator
from tests.samples import TRANSACTION

NOW = datetime(2026, 1, 31, tzinfo=UTC)
RULES = ("LargeAmountRule", "VelocityRule", "UnusualAmountRule", "DuplicateSuspectRule", "NewCountryRule")
SETTINGS = ("BankSettings", "FlagRules", *RULES)
# All that a bank sends, and the objects in it.
OBJECTS = ("Transaction", "Merchant", "Original", "Counterparty", "Holder", "Preferences", "QuietHours", *SETTINGS)
SCHEMAS: dict[str, Any] = DESCRIPTION["components"]["schemas"]
# The router never takes `batch` for a path parameter: of these two, the description says nothing that it doesn't say of
# the routes with a parameter.
PSEUDO_ROUTES = {("GET", "/transactions/batch"), ("GET", "/transactions/batch/notifications")}
OPERATIONS = {
    (method.upper(), path): operation
    for path, operations in DESCRIPTION["paths"].items()
    for method, operation in operations.items()
}


def nodes(value: Any, path: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """Walk through all objects of the description, each with where it is."""
    if isinstance(value, dict):
        yield path, value
        for name, inner in value.items():
            yield from nodes(inner, f"{path}/{name}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from nodes(inner, f"{path}/{index}")


def resolved(value: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in value:
        found: Any = DESCRIPTION
        for name in value["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        value = found
    return value


def is_valid(instance: Any, name: str) -> bool:
    return bool(validator({"$ref": f"#/components/schemas/{name}"}).is_valid(instance))


def codes(operation: dict[str, Any]) -> set[tuple[int, str]]:
    """Return the status and code of every problem that an operation can answer."""
    return {
        (int(status), code)
        for status, response in operation["responses"].items()
        if int(status) >= 400 and "application/problem+json" in response["content"]
        for code in response["content"]["application/problem+json"]["examples"]
    }


def test_the_committed_descriptions_are_what_the_code_makes() -> None:
    committed = {path: (PROJECT_DIR / path).read_text() for path in texts()}
    assert committed == texts(), "a description is not what the code says: run `make openapi`"


def test_the_command_writes_what_differs_and_a_check_only_tells_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / OPENAPI
    assert main(["--check"], tmp_path) == 1
    assert "make openapi" in capsys.readouterr().err
    assert not file.exists()
    assert main([], tmp_path) == 0
    assert {path: (tmp_path / path).read_text() for path in texts()} == texts()
    assert main(["--check"], tmp_path) == 0
    file.write_text("{}")
    assert main(["--check"], tmp_path) == 1
    assert file.read_text() == "{}"


def test_it_is_made_alike_whatever_order_sets_have() -> None:
    made = "from openapi.__main__ import OPENAPI, texts; print(texts()[OPENAPI], end='')"
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", made],
            cwd=PROJECT_DIR,
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == FILE.read_text()


def test_it_is_valid_openapi_3_1() -> None:
    assert DESCRIPTION["openapi"] == "3.1.0"
    validate(DESCRIPTION)


def test_it_describes_every_route_of_the_app_and_none_else() -> None:
    routes = {(method, path) for path, methods in app_module.app.routes.items() for method in methods}
    # The description's introduction tells of HEAD: an operation for each would be a second method in every client.
    heads = {("HEAD", path) for method, path in routes if method == "GET" and is_open(path)}
    assert set(OPERATIONS) == routes - PSEUDO_ROUTES - heads
    assert routes >= PSEUDO_ROUTES | heads
    assert not {route for route in routes if route[0] == "HEAD"} - heads


def is_open(path: str) -> bool:
    return not (app_module.app.routes[path]["GET"].api_key_required or path.startswith("/staff/"))


def test_every_answer_has_the_request_s_id() -> None:
    for route, operation in OPERATIONS.items():
        for status, response in operation["responses"].items():
            assert "x-request-id" in response["headers"], (route, status)


@pytest.mark.parametrize("route", OPERATIONS, ids=" ".join)
def test_every_route_is_in_the_documentation(route: tuple[str, str]) -> None:
    named = re.findall(r"`(\w+) ([^`?]+)`", (PROJECT_DIR / "docs" / "api.md").read_text())
    assert (route[0], re.sub(r"{\w+_id}", "{id}", route[1])) in named


WITHOUT_BODY = (
    *(("POST", f"{start}/webhooks/{end}") for start in ("", "/staff") for end in ("test", "{webhook_id}/resend")),
    ("POST", "/staff/next-case"),
    ("POST", "/staff/webhooks/secret"),
    *(("POST", f"/staff/cases/{{case_id}}/{move}") for move in ("claim", "release", "reopen")),
)


@pytest.mark.parametrize("route", OPERATIONS, ids=" ".join)
def test_an_operation_says_what_it_is_and_whether_it_needs_a_key(route: tuple[str, str]) -> None:
    operation = OPERATIONS[route]
    entry = app_module.app.routes[route[1]][route[0]]
    assert operation["operationId"]
    assert operation["summary"]
    assert operation["tags"][0] in {tag["name"] for tag in DESCRIPTION["tags"]}
    security = operation.get("security", DESCRIPTION["security"])
    is_of_staff = route[1].startswith("/staff/")  # test_staff_matrix looks at their groups
    needs_key = bool(security) and not is_of_staff
    is_write = needs_key and route[0] in ("POST", "PUT", "PATCH", "DELETE")
    assert needs_key == bool(entry.api_key_required)
    assert all(("staff" if is_of_staff else "apiKey") in alternative for alternative in security)
    assert ((401, "not_signed_in") in codes(operation)) == is_of_staff
    assert ({"apiKey": [], "signature": []} in security) == is_write
    assert ((401, "invalid_signature") in codes(operation)) == is_write
    assert ((401, "unknown_api_key") in codes(operation)) == needs_key
    assert ("requestBody" in operation) == (route[0] in ("POST", "PUT", "PATCH") and route not in WITHOUT_BODY)
    parameters = [resolved(parameter) for parameter in operation.get("parameters", ())]
    assert {one["name"] for one in parameters if one["in"] == "path"} == set(re.findall(r"{(\w+)}", route[1]))
    assert all(one["description"] for one in parameters)


def test_operation_ids_are_unique() -> None:
    assert len({operation["operationId"] for operation in OPERATIONS.values()}) == len(OPERATIONS)


def test_every_error_is_under_its_status_somewhere_and_no_unknown_one_is_anywhere() -> None:
    described = set().union(*map(codes, OPERATIONS.values()))
    of_the_app = {(status, error.code) for error, (status, _) in ANSWERS.items()}
    of_the_app |= {(500, "internal_error"), (404, "route_not_found")}
    of_the_gateway = {(answer["status"], answer["code"]) for answer in gateway_answers().values()}
    assert described == of_the_app | of_the_gateway


def test_the_gateway_s_answers_have_the_status_that_their_body_says() -> None:
    template = json.loads((PROJECT_DIR / "infra" / "app.json").read_text())
    responses = template["Resources"]["RestAPI"]["Properties"]["GatewayResponses"]
    for name, answer in gateway_answers().items():
        assert int(responses[name]["StatusCode"]) == answer["status"]
        assert is_valid({**answer, "detail": "", "instance": "/"}, "Problem"), name


def test_every_example_is_valid_by_its_own_schema() -> None:
    checked = 0
    for path, node in nodes(EXACT["paths"]):
        if "schema" not in node:
            continue
        found = [resolved(example)["value"] for example in node.get("examples", {}).values()]
        found += [node["example"]] if "example" in node else []
        found += node["schema"].get("examples", [])
        for example in found:
            errors = [error.message for error in validator(node["schema"]).iter_errors(example)]
            assert not errors, f"{path}: {errors}"
            checked += 1
    for name, parameter in EXACT["components"]["parameters"].items():
        (example,) = parameter["schema"].get("examples", [parameter.get("example")])
        assert validator(parameter["schema"]).is_valid(example), name
    assert checked > 100


def is_taken_by_the_app(body: dict[str, Any], schema: str) -> bool:
    try:
        raw = json.dumps(body).encode()
        if schema == "Holder":
            load_holder(read_json(raw), "h1", NOW)
        elif schema == "HolderPatch":
            load_patch(read_json(raw), {})
        elif schema == "BankSettings":
            load_settings(read_json(raw))
        elif schema == "CaseNote":
            note_in(read_json(raw))
        elif schema == "CaseOutcome":
            outcome_in(read_json(raw))
        elif schema == "WebhookSpan":
            span_in(read_json(raw))
        elif schema == "TrialRequest":
            load_settings(trial_in(read_json(raw))[0])
        else:
            # Strictly: what the description allows gives no warnings.
            values = read_transaction(raw)
            for one in values["transactions"] if schema == "Batch" else [values]:
                load_transaction(one, "eazycard", "EUR", NOW)
    except DomainError:
        return False
    return True


def test_every_example_of_a_request_is_taken() -> None:
    contents = [one["requestBody"]["content"] for one in OPERATIONS.values() if "requestBody" in one]
    bodies = [content["application/json"] for content in contents if "application/json" in content]
    for body in bodies:
        schema = body["schema"]["$ref"].rpartition("/")[2]
        for label, example in body["examples"].items():
            assert is_taken_by_the_app(example["value"], schema), label
    assert len(bodies) == 11


def test_every_field_is_explained() -> None:
    for name, schema in SCHEMAS.items():
        assert schema["description"], name
    for name in (
        "Transaction",
        "Merchant",
        "Original",
        "Counterparty",
        "Holder",
        "Preferences",
        "QuietHours",
        *SETTINGS,
    ):
        for field, definition in SCHEMAS[name]["properties"].items():
            assert definition["description"], f"{name}.{field}"


def test_unknown_fields_are_refused_in_every_request() -> None:
    for name in (
        "Transaction",
        "Merchant",
        "Original",
        "Counterparty",
        "Holder",
        "HolderPatch",
        "Preferences",
        "QuietHours",
        "Batch",
        *SETTINGS,
    ):
        assert SCHEMAS[name]["additionalProperties"] is False, name


def test_patterns_are_of_the_kind_that_every_language_reads() -> None:
    patterns = [(path, node["pattern"]) for path, node in nodes(DESCRIPTION) if isinstance(node.get("pattern"), str)]
    assert len(patterns) > 20
    for path, pattern in patterns:
        re.compile(pattern)
        assert not re.search(r"\\[AZz]|\(\?P|\(\?#|\(\?[aiLmsux]", pattern), f"{path}: {pattern}"
        assert pattern.startswith("^"), f"{path}: {pattern}"
        assert pattern.endswith("$"), f"{path}: {pattern}"


HOLDER = {"name": "Awa Ndiaye", "email": "awa@example.com"}
SMALLEST = {"id": "1", "account": "A123", "amount": 250.5, "type": "credit", "timestamp": "2026-01-10T14:00:00Z"}


@pytest.mark.parametrize(
    ("changes", "is_taken"),
    [
        ({}, True),
        ({"amount": "250.50"}, True),
        ({"amount": 10**15 - 1}, True),
        ({"amount": 10**15}, False),
        ({"amount": "1000000000000000"}, False),
        ({"amount": 0}, False),
        ({"amount": "0.00"}, False),
        ({"amount": "0.01"}, True),
        ({"amount": -1}, False),
        ({"amount": "-1"}, False),
        ({"amount": "01"}, False),
        ({"amount": "1,5"}, False),
        ({"amount": True}, False),
        ({"amount": None}, False),
        ({"balance": "-0.5"}, True),
        ({"balance": -(10**15)}, False),
        ({"id": "x" * 64}, True),
        ({"id": "x" * 65}, False),
        ({"id": "a b"}, False),
        ({"id": "a\n"}, False),
        ({"id": 1}, False),
        ({"type": "Credit"}, False),
        ({"timestamp": "2026-01-10T14:00:00"}, False),
        ({"timestamp": "2026-01-10T14:00:00+01:00"}, True),
        ({"timestamp": "2026-02-30T14:00:00Z"}, False),
        ({"timestamp": 1768053600}, False),
        ({"currency": "XAF", "amount": 5}, True),
        ({"currency": "XXX"}, False),
        ({"description": "café <b>"}, True),
        ({"description": "two\nlines"}, True),
        ({"description": "a\0b"}, False),
        ({"id": ".."}, False),
        ({"status": "reversed", "reversal_of": "s1"}, True),
        ({"reversal_of": "."}, False),
        ({"booking_date": "2026-01-10", "value_date": "2026-01-12"}, True),
        ({"booking_date": "2026-02-30"}, False),
        ({"original": {"amount": "10.50", "currency": "USD", "rate": "0.0015244901723741037"}}, True),
        ({"original": {"rate": "0"}}, False),
        ({"original": {"fee": "1"}}, False),
        ({"counterparty": {"name": "Awa", "account": "FR7630006000011234567890189"}}, True),
        ({"counterparty": {"account": "x" * 35}}, False),
        ({"reference": "x" * 140}, True),
        ({"reference": "x" * 141}, False),
        ({"status": "declined", "decline_reason": "Insufficient funds"}, True),
        ({"notify": False}, True),
        ({"notify": 1}, False),
        ({"description": "x" * 281}, False),
        ({"card_last4": "0042"}, True),
        ({"card_last4": "042"}, False),
        ({"merchant": {"mcc": "5411", "country": "CM"}}, True),
        ({"merchant": {"country": "CMR", "id": "M-1", "terminal_id": "T-1"}}, True),
        ({"merchant": {"country": "XK"}}, True),
        ({"merchant": {"country": "XX"}}, False),
        ({"merchant": {"fee": "1"}}, False),
        ({"metadata": {str(number): "" for number in range(20)}}, True),
        ({"metadata": {str(number): "" for number in range(21)}}, False),
        ({"metadata": {"": "x"}}, False),
        ({"metadata": {"x": 1}}, False),
        ({"fee": 1}, False),
    ],
)
def test_a_transaction_is_described_as_taken_if_the_app_takes_it(changes: dict[str, Any], is_taken: bool) -> None:
    body = {**SMALLEST, **changes}
    assert (is_valid(body, "Transaction"), is_taken_by_the_app(body, "Transaction")) == (is_taken, is_taken)


@pytest.mark.parametrize(
    ("changes", "is_taken"),
    [
        ({}, True),
        ({"name": " "}, False),
        ({"name": " é "}, True),
        ({"email": "awa"}, False),
        ({"email": "é@example.com"}, False),
        ({"locale": "de"}, False),
        ({"locale": "fr-CM"}, True),
        ({"locale": "en-001"}, True),
        ({"locale": "en-UK"}, False),
        ({"locale": "fr_CM"}, False),
        ({"timezone": "Africa/Douala"}, True),
        ({"timezone": "Africa/Nowhere"}, False),
        ({"preferences": {}}, True),
        ({"preferences": {"types": ["debit", "debit"]}}, True),
        ({"preferences": {"types": ["debit"] * 3}}, False),
        ({"preferences": {"types": []}}, False),
        ({"preferences": {"min_amount": {"XAF": 0, "EUR": "0.5"}}}, True),
        ({"preferences": {"min_amount": {"XXX": 1}}}, False),
        ({"preferences": {"min_amount": {"EUR": -1}}}, False),
        ({"preferences": {"quiet_hours": {"from": "22:00", "to": "07:00"}}}, True),
        ({"preferences": {"quiet_hours": {"from": "24:00", "to": "07:00"}}}, False),
        ({"preferences": {"quiet_hours": {"from": "22:00"}}}, False),
        ({"preferences": {"statement": "weekly", "muted": True}}, True),
        ({"preferences": {"muted": 1}}, False),
        ({"preferences": None}, False),
        ({"phone": "1"}, False),
    ],
)
def test_a_holder_is_described_as_taken_if_the_app_takes_it(changes: dict[str, Any], is_taken: bool) -> None:
    body = {**HOLDER, **changes}
    assert (is_valid(body, "Holder"), is_taken_by_the_app(body, "Holder")) == (is_taken, is_taken)


@pytest.mark.parametrize(
    ("flag", "rule", "is_taken"),
    [
        ("velocity", {}, True),
        ("velocity", {"mode": "shadow", "count": 15, "minutes": 60}, True),
        ("velocity", {"mode": "On"}, False),
        ("velocity", {"count": 0}, False),
        ("velocity", {"count": 16}, False),
        ("velocity", {"count": 2.5}, False),
        ("velocity", {"count": "5"}, False),
        ("velocity", {"minutes": 61}, False),
        ("unusual_amount", {"times": 1, "deviations": 0, "min_count": 2}, True),
        ("unusual_amount", {"times": "100.00", "deviations": "0.25", "min_count": 1000}, True),
        ("unusual_amount", {"times": "99.99", "deviations": 99.99}, True),
        ("unusual_amount", {"times": "0.99"}, False),
        ("unusual_amount", {"times": "100.01"}, False),
        ("unusual_amount", {"times": "3.001"}, False),
        ("unusual_amount", {"times": 0.99}, False),
        ("unusual_amount", {"times": "-3"}, False),
        ("unusual_amount", {"deviations": -1}, False),
        ("unusual_amount", {"deviations": 101}, False),
        ("unusual_amount", {"min_count": 1}, False),
        ("large_amount", {"thresholds": {}}, True),
        ("large_amount", {"thresholds": {"XAF": 1, "EUR": "0.01"}}, True),
        ("large_amount", {"thresholds": {"EUR": 0}}, False),
        ("large_amount", {"thresholds": {"EUR": "1000000000000000"}}, False),
        ("large_amount", {"thresholds": {"XXX": 1}}, False),
        ("large_amount", {"thresholds": None}, False),
        ("duplicate_suspect", {"minutes": 60}, True),
        ("duplicate_suspect", {"minutes": 0}, False),
        ("new_country", {"min_count": 1}, True),
        ("new_country", {"min_count": 1001}, False),
        ("new_country", {"minutes": 5}, False),
        ("other", {}, False),
    ],
)
def test_settings_are_described_as_taken_if_the_app_takes_them(flag: str, rule: Any, is_taken: bool) -> None:
    body = {"flags": {flag: rule}}
    assert (is_valid(body, "BankSettings"), is_taken_by_the_app(body, "BankSettings")) == (is_taken, is_taken)


def test_a_webhook_about_a_changed_holder_is_as_described() -> None:
    reader = Holder("awa", "Awa", "awa@example.com", "fr", "UTC", {}, NOW)
    operation = DESCRIPTION["webhooks"][HOLDER_CHANGED]["post"]
    described = validator(operation["requestBody"]["content"]["application/json"]["schema"])
    for kind, by in (("alerts_ended", "holder"), ("alerts_ended", "bank"), ("address_changed", "bank")):
        body = json.loads(webhook_of_change(HolderChange("eazycard", "A123", kind, by, NOW, reader), NOW).body)
        assert described.is_valid(body)
        for name in ("type", "timestamp", "data"):
            assert not described.is_valid({key: value for key, value in body.items() if key != name})
        for name in body["data"]:
            data = {key: value for key, value in body["data"].items() if key != name}
            assert not described.is_valid({**body, "data": data})


def test_webhooks_about_flags_and_tests_are_as_described() -> None:
    large = {"amount": "2000001.00", "currency": "EUR", "threshold": "1000000.00"}
    flagging = Flagging(
        dataclasses.replace(TRANSACTION, amount=Decimal(2_000_001)), {"large_amount": large}, frozenset(), NOW
    )
    for webhook in (webhook_of_flagging(flagging, NOW), endpoint_test("eazycard", "ep_1", NOW)):
        body = json.loads(webhook.body)
        operation = DESCRIPTION["webhooks"][webhook.type]["post"]
        described = validator(operation["requestBody"]["content"]["application/json"]["schema"])
        assert described.is_valid(body), list(described.iter_errors(body))
        assert webhook.type == body["type"]
        for name in set(body["data"]) - {"merchant"}:
            data = {key: value for key, value in body["data"].items() if key != name}
            assert not described.is_valid({**body, "data": data})


def test_a_webhook_about_an_answered_alert_is_as_described() -> None:
    described = validator(
        DESCRIPTION["webhooks"][ALERT_ANSWERED]["post"]["requestBody"]["content"]["application/json"]["schema"]
    )
    for answer in Answer:
        given = Answered("eazycard", "A123", "t-1", HolderAnswer("awa", answer, NOW, NOW))
        body = json.loads(webhook_of_answer(given, NOW).body)
        assert described.is_valid(body)
        for name in body["data"]:
            data = {key: value for key, value in body["data"].items() if key != name}
            assert not described.is_valid({**body, "data": data})


@pytest.mark.parametrize("type_", [type_ for type_ in TYPES if type_.startswith("notification.")])
def test_what_a_webhook_says_is_as_described(type_: str) -> None:
    notes = {
        "notification.delivered": {"state": "delivered", "message_id": "m1"},
        "notification.bounced": {"state": "bounced", "message_id": "m1", "reason": "hard: General"},
        "notification.failed": {"state": "failed", "reason": "not_rendered: KeyError"},
    }
    note = {"holder": "awa", "updated_at": "2026-01-10T14:00:01Z", "history": [], **notes[type_]}
    webhook = webhook_of(NotificationKey("eazycard", "t-1", "awa"), note, NOW)
    assert webhook is not None
    body = json.loads(webhook.body)
    operation = DESCRIPTION["webhooks"][type_]["post"]
    described = validator(operation["requestBody"]["content"]["application/json"]["schema"])
    assert described.is_valid(body)
    assert set(body) | set(body["data"]) >= set(notes[type_])
    assert not described.is_valid({**body, "type": "notification.other"})
    assert not described.is_valid({**body, "data": {**body["data"], "state": "sent"}})
    for name in ("type", "timestamp", "data"):
        assert not described.is_valid({key: value for key, value in body.items() if key != name})


@pytest.mark.parametrize(
    ("url", "is_taken"),
    [
        ("https://bank.example/hooks?x=1", True),
        ("https://bank.example:8443", True),
        ("http://bank.example/", False),
        ("https://10.0.0.1/", False),
        (f"https://bank.example/{'a' * 980}", False),
    ],
)
def test_endpoints_are_described_as_taken_if_the_app_takes_them(url: str, is_taken: bool) -> None:
    body = {"webhook_url": url}
    assert (is_valid(body, "BankSettings"), is_taken_by_the_app(body, "BankSettings")) == (is_taken, is_taken)


@pytest.mark.parametrize(
    ("addresses", "is_taken"),
    [
        ([], True),
        (["fraud@bank.example"], True),
        ([f"fraud-{n}@bank.example" for n in range(10)], True),
        ([f"fraud-{n}@bank.example" for n in range(11)], False),
        (["fraud@bank.example"] * 2, False),
        (["fraud"], False),
        ("fraud@bank.example", False),
        ([None], False),
    ],
)
def test_alert_addresses_are_described_as_taken_if_the_app_takes_them(addresses: Any, is_taken: bool) -> None:
    body = {"alert_addresses": addresses}
    assert (is_valid(body, "BankSettings"), is_taken_by_the_app(body, "BankSettings")) == (is_taken, is_taken)
