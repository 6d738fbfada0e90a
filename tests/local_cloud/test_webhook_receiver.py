"""The demo bank's endpoint for webhooks, in the inbox: what it answers, keeps and shows, over HTTP and in a browser."""

import json
import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, expect

from local_cloud.webhook_receiver import KEPT, MAX_BODY
from tests.inbox_server import Answered, InboxOverHttp, serving  # noqa: F401
from tests.webhook_endpoint import BOUNCED, OTHER_SECRET, Endpoint, signed


def test_webhook_with_the_banks_signature_is_taken_and_told(endpoint: Endpoint) -> None:
    before = datetime.now(UTC)

    answer = endpoint.receive()

    assert (answer.status, answer.body) == (204, "")
    assert "Content-Length" not in answer.headers
    (received,) = endpoint.received()
    assert (json.loads(received.pop("body")), received.pop("headers")["webhook-id"]) == (BOUNCED, "msg_1")
    assert before <= datetime.fromisoformat(received.pop("received_at")) <= datetime.now(UTC)
    assert received == {
        "id": "msg_1",
        "type": "notification.bounced",
        "transaction": "t-1",
        "holder": "awa",
        "state": "bounced",
        "reason": "hard: General",
        "is_signature_valid": True,
    }


def test_webhook_with_another_signature_is_refused_and_shown_as_such(endpoint: Endpoint) -> None:
    assert endpoint.receive(secret=OTHER_SECRET).status == 401

    (received,) = endpoint.received()
    assert received["is_signature_valid"] is False
    assert "signature NOT valid" in endpoint.get("/webhooks").body
    assert "signature valid" not in endpoint.get("/webhooks").body


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-signature": ""},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,é"},
        {"webhook-signature": "v1,not base64"},
        {"webhook-id": "msg_2"},
        {"webhook-id": ""},
        {"webhook-timestamp": "nan"},
        {"webhook-timestamp": "1"},
        {"webhook-timestamp": ""},
    ],
)
def test_signature_of_something_else_or_none_is_refused(endpoint: Endpoint, changed: dict[str, str]) -> None:
    content = json.dumps(BOUNCED).encode()
    headers = {name: value.encode() for name, value in {**signed(content), **changed}.items()}

    assert endpoint.deliver(content, headers).status == 401  # type: ignore[arg-type]


def test_changed_body_is_refused(endpoint: Endpoint) -> None:
    content = json.dumps(BOUNCED).encode()

    assert endpoint.deliver(content.replace(b"t-1", b"t-2"), signed(content)).status == 401


@pytest.mark.parametrize(("age_s", "status"), [(240, 204), (360, 401), (-360, 401)])
def test_signature_is_good_for_five_minutes(endpoint: Endpoint, age_s: float, status: int) -> None:
    assert endpoint.receive(age_s=age_s).status == status


def test_while_secrets_are_rotated_one_of_two_signatures_is_enough(endpoint: Endpoint) -> None:
    content = json.dumps(BOUNCED).encode()
    new, old = signed(content, secret=OTHER_SECRET), signed(content)
    both = {**old, "webhook-signature": f"{new['webhook-signature']} {old['webhook-signature']}"}

    assert endpoint.deliver(content, both).status == 204


def test_secret_that_is_issued_or_changed_later_is_the_one_that_counts(endpoint: Endpoint) -> None:
    endpoint.secret_file.unlink()
    assert endpoint.receive().status == 401
    endpoint.secret_file.write_text("")
    assert endpoint.receive().status == 401
    endpoint.secret_file.write_text(OTHER_SECRET)
    assert endpoint.receive().status == 401
    assert endpoint.receive(secret=OTHER_SECRET).status == 204


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no JSON",
        b"\xff\xfe",
        b"null",
        b"[]",
        b'"text"',
        b"[" * 50_000,
        b'{"type": 1, "data": {"transaction": {}, "holder": null, "state": ["x"]}}',
        b'{"data": "text"}',
    ],
)
def test_body_that_tells_nothing_is_kept_without_texts(endpoint: Endpoint, body: bytes) -> None:
    assert endpoint.receive(body).status in (204, 401)

    (received,) = endpoint.received()
    assert [received[name] for name in ("type", "transaction", "holder", "state", "reason")] == [""] * 5
    assert endpoint.get("/webhooks").status == 200


def test_newest_comes_first_and_only_the_last_are_kept(endpoint: Endpoint) -> None:
    for number in range(KEPT + 2):
        endpoint.receive(id_=f"msg_{number}")

    received = endpoint.received()
    assert (len(received), received[0]["id"], received[-1]["id"]) == (KEPT, f"msg_{KEPT + 1}", "msg_2")


def test_page_tells_each_webhook(endpoint: Endpoint) -> None:
    endpoint.receive()

    page = endpoint.get("/webhooks").body

    shown = " ".join(re.sub("<[^>]*>", " ", page).split())
    for told in ("1 webhook", "msg_1", "notification.bounced", "hard: General", "t-1", "holder awa", "signature valid"):
        assert told in shown
    assert "UTC" in shown
    assert '<a href="/webhooks">Webhooks</a>' in page


def test_page_without_any_says_what_to_do(endpoint: Endpoint) -> None:
    page = endpoint.get("/webhooks")

    assert page.status == 200
    assert "No webhook yet" in page.body
    assert "<code>make run</code>" in page.body


def test_nothing_of_a_hostile_webhook_becomes_markup(endpoint: Endpoint) -> None:
    attack = "</title></ol>\"'><script>alert(1)</script><img src=x>\ud800"
    told = dict.fromkeys(("transaction", "holder", "state", "reason"), attack)
    endpoint.receive({"type": attack, "data": told}, id_="<script>alert(1)</script>", secret=OTHER_SECRET)

    page = endpoint.get("/webhooks").body

    assert page.count("&lt;script&gt;") >= 6
    assert re.findall(r"<script[^>]*>", page) == ['<script src="/refresh.js" defer>']
    assert "<img" not in page
    assert endpoint.received()[0]["holder"] == attack


def test_the_page_shows_payload_and_headers_and_whether_the_signature_is_valid(endpoint: Endpoint) -> None:
    endpoint.receive()

    page = endpoint.get("/webhooks").body

    assert "webhook-id: msg_1\n" in page
    assert "webhook-signature: v1," in page
    assert "&#34;reason&#34;: &#34;hard: General&#34;" in page
    assert "signature valid" in page


def test_endless_text_is_cut(endpoint: Endpoint) -> None:
    endpoint.receive({"type": "x" * 10_000, "data": {"holder": "y" * 10_000}})

    (received,) = endpoint.received()
    assert (len(received["type"]), len(received["holder"])) == (200, 200)


@pytest.mark.parametrize(
    ("path", "length", "status"),
    [
        ("/webhooks", str(MAX_BODY + 1), 413),
        ("/webhooks", "9" * 9, 413),
        ("/webhooks", "9" * 5000, 411),
        ("/webhooks", "-1", 411),
        ("/webhooks", "٣", 411),
        ("/webhooks", "", 411),
        ("/", "0", 404),
        ("/messages/1", "0", 404),
        ("/webhooks.json", "0", 404),
    ],
)
def test_what_is_no_webhook_is_refused_unread(endpoint: Endpoint, path: str, length: str, status: int) -> None:
    headers = {**signed(b""), "content-length": length.encode()}

    assert endpoint.deliver(b"", headers, path).status == status  # type: ignore[arg-type]
    assert endpoint.received() == []


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "", "[::1"])
def test_other_host_names_are_refused(endpoint: Endpoint, host: str) -> None:
    content = json.dumps(BOUNCED).encode()

    assert endpoint.deliver(content, {**signed(content), "Host": host}).status == 403
    assert endpoint.received() == []
    endpoint.receive()
    for path in ("/webhooks", "/webhooks.json"):
        answer = endpoint.get(path, host)
        assert answer.status == 403
        assert "msg_1" not in answer.body


@pytest.mark.parametrize("path", ["/webhooks", "/webhooks.json"])
def test_every_answer_carries_the_security_headers(endpoint: Endpoint, path: str) -> None:
    for headers in (
        endpoint.get(path).headers,
        endpoint.receive().headers,
        endpoint.receive(b"", secret="YQ==").headers,
    ):
        assert headers["Content-Security-Policy"].startswith("default-src 'none'; ")
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_browser_finds_the_webhooks_from_the_inbox_and_back(endpoint: Endpoint, browser: Browser) -> None:
    endpoint.receive({**BOUNCED, "type": "<script>document.body.append('SCRIPT RAN')</script>"})

    with browser.new_page(base_url=endpoint.url) as page:
        page.goto("/")
        page.get_by_role("link", name="Webhooks").click()
        expect(page.get_by_role("heading", name="1 webhook")).to_be_visible()
        expect(page.get_by_role("listitem")).to_contain_text("<script>document.body.append")
        expect(page.get_by_role("listitem")).to_contain_text("signature valid")
        expect(page.locator("body > :last-child")).not_to_contain_text(re.compile("SCRIPT RAN$"))
        page.get_by_role("link", name="Inbox").click()
        assert page.url == f"{endpoint.url}/"
