"""Signed requests: a bank that has a signing secret must sign every write, and its secrets rotate without a gap."""

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from chalice.test import HTTPResponse
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from chalicelib.aws.secret_store import SecretStore
from chalicelib.banks.bank import Bank
from chalicelib.banks.signatures import Signatures, bound_id, is_for, valid_secrets
from chalicelib.banks.signed_ids_repository import SignedIds
from chalicelib.errors import InvalidSignature
from tests.app_bench import AWS, BODIES, HOLDER, KEY, OTHER_KEY, PROJECT, ROUTES, SMALLEST, Bench, problem
from tests.fakes import Failing, refusal

OLD, NEW = (f"whsec_{base64.b64encode(bytes([number]) * 32).decode()}" for number in (1, 2))


class Signer:
    """A bank that signs, whose stored secrets the test sets."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        bench.now = datetime.now(UTC)  # the library's own clock is the machine's
        self.arn = AWS["secretsmanager"].create_secret(Name="signing-eazycard", SecretString="{}")["ARN"]
        self.store(OLD)
        bench.banks.put_bank(Bank("eazycard", "Eazycard", "EUR", "standard", signing_secret_arn=self.arn))

    def store(self, current: str, *before: str, expires_at: datetime | None = None) -> None:
        ending = [{"secret": one, "expires_at": expires_at.isoformat() if expires_at else None} for one in before]
        value = json.dumps({"secrets": [{"secret": current}, *ending]})
        AWS["secretsmanager"].put_secret_value(SecretId=self.arn, SecretString=value)

    def headers(
        self, body: bytes, *secrets: str, message_id: str = "msg_1", signed_at: datetime | None = None
    ) -> dict[str, str]:
        moment = signed_at or datetime.now(UTC)
        signatures = [Webhook(secret).sign(message_id, moment, body.decode()) for secret in secrets]
        return {
            "webhook_id": message_id,
            "webhook_timestamp": str(int(moment.timestamp())),
            "webhook_signature": " ".join(signatures),
        }

    def post(self, *secrets: str, body: Any = SMALLEST, **changes: Any) -> HTTPResponse:
        raw = json.dumps(body).encode()
        return self.bench.post(raw, **{**self.headers(raw, *secrets), **changes})


@pytest.fixture
def signer(bench: Bench) -> Signer:
    return Signer(bench)


def test_a_signed_write_is_taken(signer: Signer) -> None:
    assert signer.post(OLD).status_code == 201
    assert signer.bench.stored() == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"webhook_id": None},
        {"webhook_timestamp": None},
        {"webhook_signature": None},
        {"webhook_id": None, "webhook_timestamp": None, "webhook_signature": None},
        {"webhook_id": "msg_2"},
        {"webhook_id": ""},
        {"webhook_timestamp": "yesterday"},
        {"webhook_timestamp": "nan"},
        {"webhook_timestamp": "1e400"},
        {"webhook_signature": ""},
        {"webhook_signature": "v1"},
        {"webhook_signature": "v1,"},
        {"webhook_signature": "v1,???"},
        {"webhook_signature": "v1,a,b"},
        {"webhook_signature": "v1,é"},
        {"webhook_signature": "v1," + "A" * 43 + "="},
    ],
)
def test_an_unsigned_or_badly_signed_write_is_401_and_nothing_is_stored(
    signer: Signer, changes: dict[str, str | None]
) -> None:
    response = signer.post(OLD, **changes)
    problem(response, 401, "invalid_signature")
    assert response.headers["WWW-Authenticate"]
    assert signer.bench.stored() == 0


def test_a_malformed_signature_does_not_hide_a_good_one(signer: Signer) -> None:
    body = json.dumps(SMALLEST).encode()
    headers = signer.headers(body, OLD)
    headers["webhook_signature"] = f"v1a v2,x v1 {headers['webhook_signature']} ,,"
    assert signer.bench.post(body, **headers).status_code == 201


def test_a_signature_of_another_body_secret_or_version_is_401(signer: Signer) -> None:
    body = json.dumps(SMALLEST).encode()
    of_another_body = signer.headers(json.dumps({**SMALLEST, "amount": 1}).encode(), OLD)
    problem(signer.bench.post(body, **of_another_body), 401, "invalid_signature")
    problem(signer.post(NEW), 401, "invalid_signature")
    headers = signer.headers(body, OLD)
    headers["webhook_signature"] = headers["webhook_signature"].replace("v1,", "v2,")
    problem(signer.bench.post(body, **headers), 401, "invalid_signature")
    assert signer.bench.stored() == 0


@pytest.mark.parametrize(("seconds", "status"), [(-301, 401), (-290, 201), (290, 201), (320, 401)])
def test_a_replay_outside_of_300_seconds_is_401(signer: Signer, seconds: int, status: int) -> None:
    # It is the machine's clock, which goes on: 20 s for a busy machine, beyond which it would no longer be too early.
    body = json.dumps(SMALLEST).encode()
    signed_at = datetime.now(UTC) + timedelta(seconds=seconds)
    assert signer.bench.post(body, **signer.headers(body, OLD, signed_at=signed_at)).status_code == status


@pytest.mark.parametrize("route", [route for route in ROUTES if route[0] != "GET"])
def test_every_write_must_be_signed(signer: Signer, route: tuple[str, str]) -> None:
    method, path = route
    raw = json.dumps(BODIES[path]).encode() if method != "DELETE" else b""
    problem(signer.bench.request(method, path, raw), 401, "invalid_signature")
    signed = signer.bench.request(method, path, raw, **signer.headers(raw, OLD))
    assert signed.status_code in (200, 201, 404)


def test_a_dry_run_must_be_signed_too(signer: Signer) -> None:
    problem(signer.bench.request("POST", "/transactions?dry_run=true", SMALLEST), 401, "invalid_signature")


@pytest.mark.parametrize("route", [route for route in ROUTES if route[0] == "GET"])
def test_reading_needs_no_signature(signer: Signer, route: tuple[str, str]) -> None:
    assert signer.bench.request(*route).status_code in (200, 404)


def test_a_bank_without_a_secret_need_not_sign(signer: Signer) -> None:
    assert signer.bench.post(SMALLEST, key=OTHER_KEY).status_code == 201


def test_anothers_signature_does_not_make_up_for_an_unknown_key(signer: Signer) -> None:
    problem(signer.post(OLD, key="unknown"), 401, "unknown_api_key")
    assert signer.post(OLD, key=KEY).status_code == 201


def test_a_new_secret_is_taken_at_once_and_the_old_one_until_its_grace_is_over(signer: Signer) -> None:
    assert signer.post(OLD).status_code == 201  # the function remembers the old one from here
    signer.bench.now += timedelta(seconds=15)
    signer.store(NEW, OLD, expires_at=signer.bench.now + timedelta(hours=1))
    assert signer.post(NEW).status_code == 200
    assert signer.post(OLD).status_code == 200
    assert signer.post(OLD, NEW).status_code == 200  # a bank that signs with both while it rotates
    signer.bench.now += timedelta(hours=1, seconds=1)
    problem(signer.post(OLD), 401, "invalid_signature")
    assert signer.post(OLD, NEW).status_code == 200
    assert signer.post(NEW).status_code == 200


def test_forged_requests_read_the_secret_no_more_than_every_ten_seconds(signer: Signer) -> None:
    reads: list[str] = []

    class Watched:
        def get_secret_value(self, **arguments: str) -> Any:
            reads.append(arguments["SecretId"])
            return AWS["secretsmanager"].get_secret_value(**arguments)

    signer.bench.restart(secretsmanager=Watched())
    for _ in range(20):
        signer.post(NEW)
    signer.bench.now += timedelta(seconds=9, milliseconds=999)
    signer.post(NEW)
    assert len(reads) == 1
    signer.bench.now += timedelta(milliseconds=1)
    for _ in range(20):
        signer.post(NEW)
    assert len(reads) == 2
    for _ in range(3):
        assert signer.post(OLD).status_code in (200, 201)
    assert len(reads) == 2


def test_a_secret_is_read_again_after_five_minutes(signer: Signer) -> None:
    assert signer.post(OLD).status_code == 201
    signer.store(NEW)
    signer.bench.now += timedelta(minutes=4)
    assert signer.post(OLD).status_code == 200
    signer.bench.now += timedelta(minutes=1)
    problem(signer.post(OLD), 401, "invalid_signature")


@pytest.mark.parametrize("message_id", ["1", "msg.1", "a b/c", "x" * 1000])
def test_an_id_of_any_form_is_accepted_and_the_same_one_again(signer: Signer, message_id: str) -> None:
    raw = json.dumps(SMALLEST).encode()
    headers = signer.headers(raw, OLD, message_id=message_id)
    assert signer.bench.post(raw, **headers).status_code == 201
    signer.bench.now += timedelta(seconds=1)
    assert signer.bench.post(raw, **headers).status_code == 200


HOLDER_PATH, OTHER_PATH = "/accounts/A123/holders/h1", "/accounts/A999/holders/h1"


def put(signer: Signer, headers: dict[str, str], path: str = HOLDER_PATH, body: Any = HOLDER) -> HTTPResponse:
    return signer.bench.request("PUT", path, json.dumps(body).encode(), **headers)


def test_a_signed_change_is_not_taken_twice_and_no_other_banks_id_is_in_its_way(signer: Signer) -> None:
    headers = signer.headers(json.dumps(HOLDER).encode(), OLD)
    assert put(signer, headers).status_code == 201
    problem(put(signer, headers), 401, "invalid_signature")
    problem(put(signer, headers, OTHER_PATH), 401, "invalid_signature")
    assert put(signer, signer.headers(json.dumps(HOLDER).encode(), OLD, message_id="msg_2")).status_code == 200
    assert SignedIds(signer.bench.dynamodb, "DeferralsTable").is_first("other-bank", "msg_1", signer.bench.now)


def test_a_forged_request_uses_up_no_id(signer: Signer) -> None:
    headers = signer.headers(json.dumps(HOLDER).encode(), OLD)
    problem(put(signer, headers, body={**HOLDER, "name": "Mallory"}), 401, "invalid_signature")
    assert put(signer, headers).status_code == 201


def test_a_change_is_refused_while_ids_can_not_be_remembered(signer: Signer) -> None:
    signer.bench.restart(dynamodb=Failing(signer.bench.dynamodb, refusal("ThrottlingException"), 0, "put_item"))
    headers = signer.headers(json.dumps(HOLDER).encode(), OLD)
    problem(put(signer, headers), 503, "temporarily_unavailable")
    assert put(signer, headers).status_code == 201


def test_a_request_with_a_bound_id_is_taken_on_its_own_route_only(signer: Signer) -> None:
    bound = bound_id("PUT", HOLDER_PATH, "1")
    headers = signer.headers(json.dumps(HOLDER).encode(), OLD, message_id=bound)
    problem(put(signer, headers, OTHER_PATH), 401, "invalid_signature")
    assert put(signer, headers).status_code == 201
    raw = json.dumps(SMALLEST).encode()
    other = signer.headers(raw, OLD, message_id=bound_id("POST", "/transactions/batch", "1"))
    problem(signer.bench.post(raw, **other), 401, "invalid_signature")
    own = signer.headers(raw, OLD, message_id=bound_id("POST", "/transactions", "1"))
    assert signer.bench.post(raw, **own).status_code == 201


@pytest.mark.parametrize(
    ("method", "path", "is_taken"),
    [
        ("PUT", HOLDER_PATH, True),
        ("PUT", f"/v1{HOLDER_PATH}", True),  # behind a base path
        ("DELETE", HOLDER_PATH, False),
        ("PUT", OTHER_PATH, False),
        ("PUT", f"{HOLDER_PATH}/", False),
        ("PUT", "/settings", False),
    ],
)
def test_an_id_is_bound_to_the_method_and_the_path(method: str, path: str, is_taken: bool) -> None:
    assert is_for(bound_id("PUT", HOLDER_PATH, "anything"), method, path) is is_taken


@pytest.mark.parametrize("message_id", ["msg_1", "", "route_", "route_x_1", f"route_{'0' * 31}_1"])
def test_other_ids_are_bound_to_nothing(message_id: str) -> None:
    assert is_for(message_id, "PUT", HOLDER_PATH)


def test_when_the_secret_is_out_of_reach_the_answer_is_503(signer: Signer) -> None:
    signer.bench.restart(secretsmanager=Failing(AWS["secretsmanager"], refusal("ThrottlingException")))
    problem(signer.post(OLD), 503, "temporarily_unavailable")
    assert signer.bench.stored() == 0
    assert signer.post(OLD).status_code == 201


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_a_body_that_is_no_json_is_judged_after_its_signature(signer: Signer, raw: bytes) -> None:
    unsigned = {"webhook_id": "m", "webhook_timestamp": "1", "webhook_signature": "v1,x"}
    problem(signer.bench.post(raw, **unsigned), 401, "invalid_signature")
    if raw != b"\xff\xfe":
        problem(signer.bench.post(raw, **signer.headers(raw, OLD)), 400, "malformed_body")


def test_neither_secret_nor_signature_is_logged(signer: Signer, logged: Any) -> None:
    signer.post(OLD)
    signer.post(NEW)
    said = logged()
    assert OLD not in said
    assert NEW not in said
    assert "v1," not in said


def test_only_secrets_that_are_valid_now_count() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    stored = {
        "secrets": [
            {"secret": "current"},
            {"secret": "rotated", "expires_at": "2026-01-01T00:00:01+00:00"},
            {"secret": "over", "expires_at": "2026-01-01T00:00:00+00:00"},
        ]
    }
    assert list(valid_secrets(json.dumps(stored), now)) == ["current", "rotated"]


def machine_clock() -> datetime:
    return datetime.now(UTC)  # the library's own clock is the machine's


def checked(on_read: Callable[[], None] = lambda: None, now: Callable[[], datetime] = machine_clock) -> Signatures:
    """Return a check whose secret is held in memory; `now` says how old what was read of it is."""

    class Secrets:
        def get_secret_value(self, **_: Any) -> dict[str, str]:
            on_read()
            return {"SecretString": json.dumps({"secrets": [{"secret": OLD}]})}

    class Ids(SignedIds):
        def __init__(self) -> None:
            self.taken: set[tuple[str, str]] = set()

        def is_first(self, bank: str, message_id: str, now: datetime) -> bool:
            is_first = (bank, message_id) not in self.taken
            self.taken.add((bank, message_id))
            return is_first

    return Signatures(SecretStore(Secrets, now), Ids(), machine_clock)


def signed(*secrets: str, body: bytes = b"{}", message_id: str = "msg_1") -> dict[str, str]:
    moment = datetime.now(UTC)
    signatures = [Webhook(secret).sign(message_id, moment, body.decode()) for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


@pytest.mark.parametrize("body", [b"{}", b"", b"no JSON"])
def test_one_good_signature_among_others_is_enough_whatever_the_body(body: bytes) -> None:
    checked().verify("arn", body, signed(NEW, OLD, body=body), "PUT", HOLDER_PATH)
    with pytest.raises(InvalidSignature):
        checked().verify("arn", body, signed(NEW, body=body), "PUT", HOLDER_PATH)
    with pytest.raises(InvalidSignature):
        checked().verify("arn", body + b" ", signed(OLD, body=body), "PUT", HOLDER_PATH)


@pytest.mark.parametrize(("secret", "read_at"), [(NEW, [0, 10, 20, 30]), (OLD, [0])], ids=["forged", "good"])
def test_a_forged_request_has_the_secret_read_every_ten_seconds_at_most_and_a_good_one_not(
    secret: str, read_at: list[int]
) -> None:
    start, passed = machine_clock(), timedelta()
    found: list[int] = []
    signatures = checked(lambda: found.append(passed.seconds), lambda: start + passed)
    for second in range(35):
        passed, is_good = timedelta(seconds=second), True
        try:
            signatures.verify("arn", b"{}", signed(secret), "PUT", HOLDER_PATH)
        except InvalidSignature:
            is_good = False
        assert is_good is (secret == OLD)
    assert found == read_at


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_request_that_lacks_a_header_is_refused(missing: str) -> None:
    headers = signed(OLD)
    del headers[missing]
    with pytest.raises(InvalidSignature):
        checked().verify("arn", b"{}", headers, "PUT", HOLDER_PATH)


def test_an_id_that_is_bound_to_another_route_is_refused_though_it_is_signed() -> None:
    headers = signed(OLD, message_id=bound_id("PUT", HOLDER_PATH, "1"))
    checked().verify("arn", b"{}", headers, "PUT", HOLDER_PATH)
    with pytest.raises(InvalidSignature):
        checked().verify("arn", b"{}", headers, "PUT", OTHER_PATH)


def test_an_id_is_taken_once_of_each_bank() -> None:
    signatures = checked()
    signatures.take_once("eazycard", signed(OLD))
    signatures.take_once("other-bank", signed(OLD))
    signatures.take_once("eazycard", signed(OLD, message_id="msg_2"))
    with pytest.raises(InvalidSignature):
        signatures.take_once("eazycard", signed(OLD))


def test_a_path_with_half_a_character_is_another_path() -> None:
    assert is_for(bound_id("PUT", "/a\ud800", "1"), "PUT", "/a\ud800")
    assert not is_for(bound_id("PUT", HOLDER_PATH, "1"), "PUT", "/a\ud800")


HEADER = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(message_id=HEADER, timestamp=HEADER, signature=HEADER, raw=st.binary(max_size=100))
def test_whatever_is_sent_as_a_signature_the_answer_is_401(
    signer: Signer, message_id: str, timestamp: str, signature: str, raw: bytes
) -> None:
    response = signer.bench.post(raw, webhook_id=message_id, webhook_timestamp=timestamp, webhook_signature=signature)
    problem(response, 401, "invalid_signature")


class Recorder(BaseHTTPRequestHandler):
    """Keeps the requests that it answers."""

    received: ClassVar[list[tuple[dict[str, str], bytes]]] = []

    def do_POST(self) -> None:
        self.received.append((dict(self.headers.items()), self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(201)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.mark.parametrize("language", ["python", "bash"])
def test_the_client_examples_of_the_docs_sign_as_the_service_checks(
    signer: Signer, language: str, tmp_path: Path
) -> None:
    page = (PROJECT / "docs" / "signing.md").read_text()
    (program,) = [part.split("```")[0] for part in page.split(f"```{language}\n")[1:]]
    (tmp_path / "body.json").write_text(json.dumps(SMALLEST))
    command = {"python": [sys.executable, "-c", program], "bash": ["bash", "-euc", program]}[language]
    with ThreadingHTTPServer(("127.0.0.1", 0), Recorder) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        environment = {"SIGNING_SECRET": OLD, "API_URL": url, "API_KEY": KEY, "PATH": os.environ["PATH"]}
        subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, timeout=60)
        server.shutdown()
    headers, body = Recorder.received.pop()
    sent = {name.lower().replace("-", "_"): value for name, value in headers.items()}
    signed = {name: value for name, value in sent.items() if name.startswith("webhook_")}
    assert signer.bench.post(body, **signed).status_code == 201
    problem(signer.bench.post(body + b" ", **signed), 401, "invalid_signature")
