"""Signing in on the local cloud: the emulator's own login page, code with PKCE, and API Gateway's authorizer."""

import base64
import hashlib
import json
import re
import secrets
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import urllib3

from chalicelib.staff.refusals import NotSignedIn
from local_cloud.staff_demo import ensure_staff
from openapi.problems import gateway_answers
from operations.staff import main as staff_command
from operations.staff_directory import directory, new_password
from tests.cloud import BankClient, CloudUnderTest, eventually
from tests.sizes import IS_LONG

pytestmark = pytest.mark.cloud


def asked(method: str, url: str, fields: dict[str, str] | None = None, **headers: str) -> urllib3.BaseHTTPResponse:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    body = None if fields is None else urlencode(fields).encode()
    if body is not None:
        sent["content-type"] = "application/x-www-form-urlencoded"
    return urllib3.request(method, url, body=body, headers=sent, redirect=False, retries=False, timeout=60)


class Browser:
    """A console in a browser, reduced to its requests. It knows nothing but the console's URL."""

    def __init__(self, console_url: str) -> None:
        self.console_url = console_url
        answer = asked("GET", f"{console_url}/config.json")
        assert answer.status == 200, answer.data
        self.config: dict[str, str] = answer.json()
        self.origin = "http://" + urlsplit(console_url).netloc
        metadata = asked("GET", self.config["metadata_url"], origin=self.origin)
        assert metadata.headers["access-control-allow-origin"] == self.origin
        self.metadata: dict[str, str] = metadata.json()
        assert self.metadata["issuer"] == self.config["issuer"]

    def sign_in(self, email: str, password: str) -> dict[str, str]:
        """Return the tokens, by code with PKCE; raises AssertionError with the page if the password is refused."""
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "client_id": self.config["client_id"],
            "response_type": "code",
            "scope": "openid email profile",
            "redirect_uri": self.console_url,
            "state": secrets.token_urlsafe(),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        page = asked("GET", f"{self.config['login_url']}?{urlencode(query)}")
        assert page.status == 200, page.data
        form = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.data.decode()))
        login = f"{self.origin}/login"
        back = asked("POST", login, {**form, "username": email, "password": password}, origin=self.origin)
        assert back.status == 302, back.data
        place = urlsplit(back.headers["location"])
        assert back.headers["location"].startswith(self.console_url + "?")
        answered = {name: values[0] for name, values in parse_qs(place.query).items()}
        assert answered["state"] == query["state"]
        return self.tokens(
            grant_type="authorization_code",
            code=answered["code"],
            redirect_uri=self.console_url,
            code_verifier=verifier,
        )

    def tokens(self, **fields: str) -> dict[str, str]:
        sent = {"client_id": self.config["client_id"], **fields}
        answer = asked("POST", self.metadata["token_endpoint"], sent, origin=self.origin)
        assert answer.status == 200, answer.data
        assert answer.headers["access-control-allow-origin"] == self.origin
        found: dict[str, str] = answer.json()
        return found

    def me(self, token: str | None) -> urllib3.BaseHTTPResponse:
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        return asked("GET", f"{self.config['api_url']}/staff/me", **headers)


def claims_of(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


def code_of(answer: urllib3.BaseHTTPResponse) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status, answer.json()["code"]


@pytest.fixture(scope="module")
def bank(cloud: CloudUnderTest) -> BankClient:
    return cloud.new_bank("signing-in", currency="XAF")


@pytest.fixture(scope="module")
def users(cloud: CloudUnderTest, bank: BankClient) -> dict[str, dict[str, str]]:
    """The bank's staff by group, as `make run` makes the demo bank's."""
    made = ensure_staff(cloud.deployed, "signing-in")
    assert ensure_staff(cloud.deployed, "signing-in", made) == made
    return {one["group"]: one for one in made}


@pytest.fixture(scope="module")
def browser(cloud: CloudUnderTest) -> Browser:
    return Browser(cloud.deployed.console_url)


@pytest.mark.parametrize(
    ("group", "groups"),
    [("viewer", ["viewer"]), ("analyst", ["viewer", "analyst"]), ("admin", ["viewer", "analyst", "admin"])],
)
def test_a_member_signs_in_on_the_login_page_and_the_api_knows_bank_and_groups(
    browser: Browser, users: dict[str, dict[str, str]], group: str, groups: list[str]
) -> None:
    tokens = browser.sign_in(users[group]["email"], users[group]["password"])
    answer = browser.me(tokens["id_token"])
    assert answer.status == 200, answer.data
    me = answer.json()
    assert (me["email"], me["bank"], me["groups"]) == (users[group]["email"], "signing-in", groups)
    assert me["currency"] == "XAF"
    assert me["subject"] == claims_of(tokens["id_token"])["sub"]
    life = claims_of(tokens["id_token"])
    assert life["exp"] - life["iat"] == 15 * 60
    again = browser.tokens(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert browser.me(again["id_token"]).json() == me


def test_no_token_an_access_token_and_a_forged_one_are_refused(
    browser: Browser, users: dict[str, dict[str, str]]
) -> None:
    tokens = browser.sign_in(users["admin"]["email"], users["admin"]["password"])
    header, payload, signature = tokens["id_token"].split(".")
    other = base64.urlsafe_b64encode(
        json.dumps({**claims_of(tokens["id_token"]), "custom:bank": "eazycard"}).encode()
    ).rstrip(b"=")
    for token in (
        None,
        "none",
        tokens["access_token"],
        f"{header}.{payload}.{signature[:-8]}AAAAAAAA",
        f"{header}.{other.decode()}.{signature}",
    ):
        assert code_of(browser.me(token)) == (401, "not_signed_in")


def test_the_gateway_refuses_a_token_before_any_function_sees_it(
    browser: Browser, users: dict[str, dict[str, str]]
) -> None:
    token = browser.sign_in(users["admin"]["email"], users["admin"]["password"])["id_token"]
    of_gateway = gateway_answers()["UNAUTHORIZED"]["detail"]
    for refused in (None, f"{token[:-8]}AAAAAAAA"):
        assert browser.me(refused).json()["detail"] == of_gateway != str(NotSignedIn())


def test_a_wrong_password_leads_nowhere(browser: Browser, users: dict[str, dict[str, str]]) -> None:
    with pytest.raises(AssertionError, match="Sign in"):
        browser.sign_in(users["admin"]["email"], "not the password")


def test_the_code_of_another_browser_is_worth_nothing(browser: Browser, users: dict[str, dict[str, str]]) -> None:
    with pytest.raises(AssertionError, match="invalid_grant"):
        browser.tokens(
            grant_type="authorization_code",
            code=secrets.token_urlsafe(),
            redirect_uri=browser.console_url,
            code_verifier=secrets.token_urlsafe(48),
        )


def test_nobody_is_sent_to_a_page_that_is_not_the_console(browser: Browser) -> None:
    query = {
        "client_id": browser.config["client_id"],
        "response_type": "code",
        "redirect_uri": "https://attacker.example/console",
    }
    answer = asked("GET", f"{browser.config['login_url']}?{urlencode(query)}")
    assert (answer.status, answer.json()["error"]) == (400, "invalid_request")


def test_a_page_of_another_site_gets_no_token_and_no_metadata(browser: Browser) -> None:
    for method, url in (("GET", browser.config["metadata_url"]), ("POST", browser.metadata["token_endpoint"])):
        fields = {} if method == "POST" else None
        answer = asked(method, url, fields, origin="https://attacker.example")
        assert answer.status == 403
        assert "access-control-allow-origin" not in answer.headers


def test_operators_manage_members_of_the_running_stage(
    cloud: CloudUnderTest,
    bank: BankClient,
    browser: Browser,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cloud.use_by_commands(monkeypatch)
    email = "nadia@signing-in.example"
    assert staff_command(["add", email, "--bank", "signing-in", "--name", "Nadia", "--group", "analyst"]) == 0
    staff = directory(cloud.deployed.stage)
    password = new_password()
    staff.set_password(staff.known(email), password)
    token = browser.sign_in(email, password)["id_token"]
    assert browser.me(token).json()["groups"] == ["viewer", "analyst"]
    assert staff_command(["groups", email, "none"]) == 0
    without = browser.sign_in(email, password)["id_token"]
    assert code_of(browser.me(without)) == (403, "group_required")
    assert staff_command(["disable", email]) == 0
    with pytest.raises(AssertionError):
        browser.sign_in(email, password)
    assert staff_command(["list", "--bank", "signing-in"]) == 0
    assert f"{email}\tNadia\tsigning-in\t\tdisabled\t" in capsys.readouterr().out


def test_a_disabled_bank_s_staff_is_refused(cloud: CloudUnderTest, browser: Browser) -> None:
    cloud.new_bank("soon-closed")
    (viewer, *_) = ensure_staff(cloud.deployed, "soon-closed")
    token = browser.sign_in(viewer["email"], viewer["password"])["id_token"]
    assert browser.me(token).status == 200
    cloud.banks.set_disabled("soon-closed", True)
    if not IS_LONG:
        cloud.start_anew("api_handler")
    eventually(lambda: browser.me(token).status == 401, timeout_s=90)
