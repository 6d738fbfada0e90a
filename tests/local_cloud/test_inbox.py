"""The inbox, on a stand-in for the local cloud's list of e-mails, over HTTP and in a browser."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, expect

from local_cloud.inbox import InboxServer, start
from local_cloud.inbox_pages import ago
from local_cloud.server import PROJECT_DIR, CloudFailed, end_process, free_port, is_free, new_keys
from tests.inbox_server import InboxOverHttp, serving

KEYS = new_keys()


class FakeCloud(ThreadingHTTPServer):
    """The local cloud's list of e-mails, and a note of every path that anybody asked it for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _FakeCloudHandler)
        self.records: dict[str, list[dict[str, Any]]] = {}
        self.asked_for: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def takes(self, subject: str, age_s: float = 0, account: str = "000000000000", **fields: Any) -> str:
        """Add an e-mail as SES would; return its id."""
        records = self.records.setdefault(account, [])
        record = {
            "MessageId": f"{account}-{len(records)}@email.amazonses.com",
            "Source": "EAZYCard <no-reply@bank.example>",
            "To": ["awa@customers.example"],
            "CC": [],
            "BCC": [],
            "Subject": subject,
            "BodyText": f"Text of {subject}",
            "BodyHtml": f'<!doctype html><html lang="en"><body><p>HTML of {subject}</p></body></html>',
            "Timestamp": time.time() - age_s,
            "Type": "v2.SendBulkEmail",
        }
        records.append({**record, **fields})
        return str(records[-1]["MessageId"])

    def takes_hostile(self) -> str:
        """Add an e-mail that tries to run scripts, to load from elsewhere and to break out of every place."""
        attack = (
            f"<script>document.body.append('SCRIPT RAN'); location = '{self.url}/script'</script>"
            f"<img src='{self.url}/image' onerror=\"document.body.append('SCRIPT RAN')\">"
            f"<link rel=stylesheet href='{self.url}/style'><iframe src='{self.url}/frame'></iframe>"
            f"<meta http-equiv=refresh content='0;url={self.url}/refresh'>"
        )
        return self.takes(
            f'</title></pre>"{attack}',
            To=[f'"{attack}"@evil.example'],
            BodyText=f"</pre>{attack}\nA half of a character: \ud800",
            BodyHtml=f"<html lang='\"><script>'><body><h1>Hostile but shown</h1>{attack}</body></html>",
        )


class _FakeCloudHandler(BaseHTTPRequestHandler):
    server: FakeCloud

    def do_GET(self) -> None:
        self.server.asked_for.append(self.path)
        found = (
            self.path == "/_ministack/ses/messages" and self.headers["Authorization"] == KEYS.headers["authorization"]
        )
        body = json.dumps({"messages": self.server.records}).encode()
        self.send_response_only(200 if found else 404)
        self.end_headers()
        self.wfile.write(body if found else b"")

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.asked_for.append(f"{self.path} {self.headers['Content-Type']} {sent}")
        self.send_response_only(200)
        self.end_headers()
        self.wfile.write(b"<html><style>p {}</style><p>E-mails <b>off</b></p>")


@pytest.fixture
def cloud() -> Iterator[FakeCloud]:
    server = FakeCloud()
    with serving(server):
        yield server


@pytest.fixture
def inbox(cloud: FakeCloud) -> Iterator[InboxOverHttp]:
    server = InboxServer(0, cloud.url, KEYS)
    with serving(server):
        yield InboxOverHttp(server.server_address[1])


def test_list_shows_the_newest_first_whatever_account_they_came_from(cloud: FakeCloud, inbox: InboxOverHttp) -> None:
    cloud.takes("Oldest", age_s=300)
    cloud.takes("Newest", age_s=1)
    cloud.takes("Between", age_s=60, account="111111111111")

    assert inbox.get("/").subjects == ["Newest", "Between", "Oldest"]
    assert "3 e-mails" in inbox.get("/").body


def test_of_two_taken_at_the_same_instant_the_later_comes_first(cloud: FakeCloud, inbox: InboxOverHttp) -> None:
    for subject in ("First", "Second", "Third"):
        cloud.takes(subject, Timestamp=1_767_225_600.5)

    assert inbox.get("/").subjects == ["Third", "Second", "First"]


def test_row_tells_time_recipients_and_language_and_links_to_both_parts(cloud: FakeCloud, inbox: InboxOverHttp) -> None:
    message_id = cloud.takes(
        "Crédit de 5 000 FCFA",
        Timestamp=datetime(2026, 1, 10, 14, 5, 9, tzinfo=UTC).timestamp(),
        To=["awa@customers.example"],
        CC=["copy@customers.example"],
        BodyHtml='<!doctype html>\n<html dir="ltr" lang="fr">Bonjour</html>',
    )

    page = inbox.get("/").body

    assert "2026-01-10 14:05:09 UTC" in page
    assert "awa@customers.example, copy@customers.example" in page
    assert '<a class="subject" href="/messages/' in page
    assert 'lang="fr"><bdi>Crédit de 5 000 FCFA' in page
    for part in ("html", "text"):
        assert f'href="/messages/{quote(message_id, safe="")}?part={part}"' in page


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(seconds=-5), "0 s ago"),
        (timedelta(seconds=3.9), "3 s ago"),
        (timedelta(seconds=59), "59 s ago"),
        (timedelta(seconds=60), "1 min ago"),
        (timedelta(minutes=59, seconds=59), "59 min ago"),
        (timedelta(hours=23, minutes=59), "23 h ago"),
        (timedelta(days=4, hours=5), "4 d ago"),
    ],
)
def test_age_is_told_in_its_largest_whole_unit(age: timedelta, words: str) -> None:
    now = datetime(2026, 1, 10, tzinfo=UTC)

    assert ago(now - age, now) == words


def unsubscribable(cloud: FakeCloud, link: str | None = None) -> str:
    """Have the cloud take an e-mail with the headers for one click; return its id."""
    target = f"{cloud.url}/preferences/token" if link is None else link
    headers = [["List-Unsubscribe", f"<{target}>"], ["List-Unsubscribe-Post", "List-Unsubscribe=One-Click"]]
    return cloud.takes("Debit of 1", Headers=headers, Tags=[["bank", "eazycard"]])


def test_messages_json_has_every_e_mail_newest_first_with_the_headers_that_ses_was_handed(
    cloud: FakeCloud, inbox: InboxOverHttp
) -> None:
    cloud.takes("Older", age_s=60)
    at = datetime(2026, 1, 10, 14, 5, 9, tzinfo=UTC)
    cloud.takes("Newer", Headers=[["List-Unsubscribe", "<x>"], ["Auto-Submitted", "auto-generated"]])
    cloud.records["000000000000"][0]["Timestamp"] = at.timestamp()

    answer = inbox.get("/messages.json")

    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    newest, oldest = json.loads(answer.body)["messages"]
    assert (newest["subject"], newest["headers"]) == (
        "Newer",
        {
            "From": "EAZYCard <no-reply@bank.example>",
            "To": "awa@customers.example",
            "Subject": "Newer",
            "List-Unsubscribe": "<x>",
            "Auto-Submitted": "auto-generated",
        },
    )
    assert {name: oldest[name] for name in ("to", "subject", "text", "sent_at")} == {
        "to": "awa@customers.example",
        "subject": "Older",
        "text": "Text of Older",
        "sent_at": "2026-01-10T14:05:09Z",
    }
    assert "HTML of Older" in oldest["html"]


def test_message_shows_its_headers_and_tags(cloud: FakeCloud, inbox: InboxOverHttp) -> None:
    page = inbox.get(f"/messages/{unsubscribable(cloud)}").body
    assert f"<dt>List-Unsubscribe</dt><dd><code>&lt;{cloud.url}/preferences/token&gt;</code></dd>" in page
    assert "<dt>Tag bank</dt><dd><code>eazycard</code></dd>" in page


def test_one_click_posts_as_a_mail_program_does_and_shows_the_answer(cloud: FakeCloud, inbox: InboxOverHttp) -> None:
    message_id = unsubscribable(cloud)
    assert f'action="/messages/{quote(message_id, safe="")}/one-click"' in inbox.get(f"/messages/{message_id}").body

    answer = inbox.post(f"/messages/{message_id}/one-click", {"Origin": inbox.url})

    assert cloud.asked_for[-1] == "/preferences/token application/x-www-form-urlencoded List-Unsubscribe=One-Click"
    assert "Answered 200" in answer.body
    assert "E-mails off" in answer.body


@pytest.mark.parametrize("link", ["https://bank.example/x", "http://127.0.0.1:1/x", "file:///etc/passwd", ""])
def test_one_click_posts_to_nothing_but_the_local_cloud(cloud: FakeCloud, inbox: InboxOverHttp, link: str) -> None:
    message_id = unsubscribable(cloud, link)
    assert "one-click" not in inbox.get(f"/messages/{message_id}").body
    assert inbox.post(f"/messages/{message_id}/one-click", {}).status == 404
    assert all(path == "/_ministack/ses/messages" for path in cloud.asked_for)


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Host": "evil.example"}])
def test_one_click_is_not_pressed_by_another_site(
    cloud: FakeCloud, inbox: InboxOverHttp, headers: dict[str, str]
) -> None:
    assert inbox.post(f"/messages/{unsubscribable(cloud)}/one-click", headers).status == 403
    assert all(path == "/_ministack/ses/messages" for path in cloud.asked_for)


def test_search_finds_recipients_and_subjects_in_any_case(cloud: FakeCloud, inbox: InboxOverHttp) -> None:
    cloud.takes("Debit of 1", To=["éléonore@customers.example"], age_s=3)
    cloud.takes("Credit of 2", To=["awa@customers.example"], age_s=2)
    cloud.takes("Debit of 3", BCC=["Awa.Ngono@customers.example"], To=["jean@customers.example"], age_s=1)

    assert inbox.get("/?q=AWA").subjects == ["Debit of 3", "Credit of 2"]
    assert inbox.get("/?q=debit").subjects == ["Debit of 3", "Debit of 1"]
    assert inbox.get(f"/?q={quote('ÉLÉ')}").subjects == ["Debit of 1"]
    assert 'value="AWA"' in inbox.get("/?q=AWA").body


def test_search_without_a_match_says_so_and_offers_all(cloud: FakeCloud, inbox: InboxOverHttp) -> None:
    cloud.takes("Debit of 1")

    page = inbox.get(f"/?q={quote('<b>&nobody')}")

    assert page.subjects == []
    assert "0 of 1 e-mail match “<bdi>&lt;b&gt;&amp;nobody</bdi>”" in page.body
    assert '<a href="/">Show all</a>' in page.body


def test_pages_hold_100_and_keep_the_search(cloud: FakeCloud, inbox: InboxOverHttp) -> None:
    for number in range(250):
        cloud.takes(f"Debit {number}", age_s=1000 - number)
    cloud.takes("Credit")

    first, second, third = (inbox.get(f"/?q=debit&page={page}") for page in (1, 2, 3))

    assert [len(page.subjects) for page in (first, second, third)] == [100, 100, 50]
    assert first.subjects[0] == "Debit 249"
    assert second.subjects[0] == "Debit 149"
    assert third.subjects[-1] == "Debit 0"
    assert 'href="/?q=debit&amp;page=1"' in second.body
    assert 'href="/?q=debit&amp;page=3"' in second.body
    assert 'rel="prev"' not in first.body
    assert 'rel="next"' not in third.body


@pytest.mark.parametrize(("page", "shown"), [("0", 1), ("-1", 1), ("two", 1), ("٣", 1), ("3", 2), ("9" * 5000, 1)])
def test_page_that_is_none_shows_one_that_is(cloud: FakeCloud, inbox: InboxOverHttp, page: str, shown: int) -> None:
    for number in range(101):
        cloud.takes(f"Debit {number}")

    assert f"Page {shown} of 2" in inbox.get(f"/?page={quote(page)}").body


def test_empty_inbox_says_what_to_do(inbox: InboxOverHttp) -> None:
    page = inbox.get("/")

    assert page.status == 200
    assert "No e-mail yet" in page.body
    assert "<code>make run</code>" in page.body
    assert "<code>make simulate</code>" in page.body


def test_message_page_shows_the_headers_and_the_html_part_in_a_sandbox(cloud: FakeCloud, inbox: InboxOverHttp) -> None:
    message_id = quote(cloud.takes("Debit of 1"), safe="")

    page = inbox.get(f"/messages/{message_id}").body

    assert "EAZYCard &lt;no-reply@bank.example&gt;" in page
    assert "awa@customers.example" in page
    assert "Debit of 1" in page
    assert f'<iframe sandbox="" src="/messages/{message_id}/html"' in page
    assert "refresh.js" not in page


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("=?utf-8?q?Cr=C3=A9dit=3B_Lyonnais?= <a@bank.example>", "Crédit; Lyonnais &lt;a@bank.example&gt;"),
        ('"Banque Atlantique, Cameroun" <a@bank.example>', "Banque Atlantique, Cameroun &lt;a@bank.example&gt;"),
        ("a@bank.example", "a@bank.example"),
        ("=?no-charset?q?x?= <a@bank.example>", "=?no-charset?q?x?= &lt;a@bank.example&gt;"),
    ],
)
def test_message_page_shows_the_sender_as_a_mail_program_does(
    cloud: FakeCloud, inbox: InboxOverHttp, source: str, shown: str
) -> None:
    page = inbox.get(f"/messages/{quote(cloud.takes('Debit', Source=source), safe='')}").body
    assert f"<bdi>{shown}</bdi>" in page


def test_message_page_shows_the_text_part(cloud: FakeCloud, inbox: InboxOverHttp) -> None:
    message_id = cloud.takes("Debit of 1", BodyText="\nHello,\n\n1 < 2 & more")

    page = inbox.get(f"/messages/{message_id}?part=text").body

    assert re.search(r"<pre[^>]*>\n\nHello,\n\n1 &lt; 2 &amp; more</pre>", page)
    assert "<iframe" not in page


def test_message_without_html_opens_as_text(cloud: FakeCloud, inbox: InboxOverHttp) -> None:
    message_id = cloud.takes("Plain", BodyHtml=None, BodyText="Only text")

    assert "Only text</pre>" in inbox.get(f"/messages/{message_id}").body
    assert "This e-mail has no HTML part." in inbox.get(f"/messages/{message_id}?part=html").body


def test_parts_are_served_as_they_are(cloud: FakeCloud, inbox: InboxOverHttp) -> None:
    message_id = cloud.takes("Crédit", BodyText="Crédité\n", BodyHtml="<p>Crédité")

    html, text = (inbox.get(f"/messages/{message_id}/{part}") for part in ("html", "text"))

    assert (html.headers["Content-Type"], html.body) == ("text/html; charset=utf-8", "<p>Crédité")
    assert (text.headers["Content-Type"], text.body) == ("text/plain; charset=utf-8", "Crédité\n")


def test_html_part_may_neither_run_scripts_nor_load_anything(cloud: FakeCloud, inbox: InboxOverHttp) -> None:
    message_id = cloud.takes("Debit of 1")

    policy = inbox.get(f"/messages/{message_id}/html").headers["Content-Security-Policy"].split("; ")

    assert {"default-src 'none'", "style-src 'unsafe-inline'", "img-src data:", "sandbox"} <= set(policy)
    assert not any(directive.startswith(("script-src", "connect-src", "frame-src")) for directive in policy)


@pytest.mark.parametrize(
    "path", ["/", "/?q=script", "/messages/{id}", "/messages/{id}?part=text", "/messages/<script>"]
)
def test_nothing_of_a_hostile_message_becomes_markup(cloud: FakeCloud, inbox: InboxOverHttp, path: str) -> None:
    message_id = cloud.takes_hostile()

    page = inbox.get(path.replace("{id}", message_id).replace("<", "%3C").replace(">", "%3E")).body

    assert "&lt;script&gt;" in page
    assert re.findall(r"<script[^>]*>", page) in ([], ['<script src="/refresh.js" defer>'])
    assert not re.search(r"<(img|meta http|link[^>]*127)|<iframe src", page)
    assert page.count("</title>") == 1


@pytest.mark.parametrize(
    "path", ["/", "/inbox.css", "/refresh.js", "/nowhere", "/messages/{id}", "/messages/{id}/text"]
)
def test_every_answer_carries_the_security_headers(cloud: FakeCloud, inbox: InboxOverHttp, path: str) -> None:
    headers = inbox.get(path.replace("{id}", cloud.takes("Debit of 1"))).headers

    assert headers["Content-Security-Policy"].startswith("default-src 'none'; ")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    "path",
    ["/messages/unknown", "/messages/unknown/html", "/nowhere", "/messages/", "/messages/{id}/raw", "//[", "/.."],
)
def test_unknown_page_is_a_404_page(cloud: FakeCloud, inbox: InboxOverHttp, path: str) -> None:
    page = inbox.get(path.replace("{id}", cloud.takes("Debit of 1")))

    assert page.status == 404
    assert "<h1>Not found</h1>" in page.body


@pytest.mark.parametrize("path", ["/", "/?q=awa", "/messages/some-id", "/messages/some-id/html"])
def test_cloud_that_is_gone_is_a_503_page_that_says_what_starts_it(tmp_path: Path, path: str) -> None:
    server = InboxServer(0, f"http://127.0.0.1:{free_port()}", KEYS)
    with serving(server):
        page = InboxOverHttp(server.server_address[1]).get(path)

    assert page.status == 503
    assert "<code>make run</code> starts it" in page.body


def test_cloud_that_answers_something_else_is_a_503_page(cloud: FakeCloud) -> None:
    server = InboxServer(0, f"{cloud.url}/elsewhere", KEYS)
    with serving(server):
        assert InboxOverHttp(server.server_address[1]).get("/").status == 503


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8025", "localhost", "LocalHost:1"])
def test_own_names_are_answered(inbox: InboxOverHttp, host: str) -> None:
    assert inbox.get("/", host).status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "evil:80", "", "[::1"]
)
@pytest.mark.parametrize("path", ["/", "/messages/{id}/text", "/health"])
def test_other_host_names_are_refused(cloud: FakeCloud, inbox: InboxOverHttp, host: str, path: str) -> None:
    answer = inbox.get(path.replace("{id}", cloud.takes("Secret")), host)

    assert answer.status == 403
    assert "Secret" not in answer.body


def test_health_is_ok_even_without_a_cloud() -> None:
    server = InboxServer(0, f"http://127.0.0.1:{free_port()}", KEYS)
    with serving(server):
        answer = InboxOverHttp(server.server_address[1]).get("/health")

    assert (answer.status, answer.body) == (200, "ok")


def test_started_inbox_runs_by_itself_until_it_is_ended(cloud: FakeCloud, tmp_path: Path) -> None:
    cloud.takes("Debit of 1")
    port = free_port()

    pid = start(port, cloud.url, tmp_path / "made", KEYS)
    try:
        assert InboxOverHttp(port).get("/").subjects == ["Debit of 1"]
        assert os.getsid(pid) == pid
        with pytest.raises(CloudFailed, match=f"Another program uses port {port}"):
            start(port, cloud.url, tmp_path, KEYS)
        os.kill(pid, signal.SIGTERM)
        _, status = os.waitpid(pid, 0)
    finally:
        end_process(pid)

    assert os.waitstatus_to_exitcode(status) == 0
    assert is_free(port)
    log = (tmp_path / "made" / "inbox.log").read_text()
    assert log.splitlines() == [f"The inbox is at http://127.0.0.1:{port}/ (Ctrl-C ends it)."]


def test_taken_port_is_one_line_and_status_1(inbox: InboxOverHttp) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "local_cloud.inbox", "--port", str(inbox.port)],
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        timeout=20,
    )

    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [
        f"Another program uses port {inbox.port}: end it, or give the inbox another port."
    ]


def test_browser_shows_both_parts_of_a_hostile_message_and_runs_none_of_it(
    cloud: FakeCloud, inbox: InboxOverHttp, browser: Browser
) -> None:
    cloud.takes("Debit of 1", age_s=60)
    cloud.takes_hostile()

    with browser.new_page(base_url=inbox.url) as page:
        page.goto("/")
        page.locator("ol.messages a.subject").first.click()
        frame = page.frame_locator("iframe")
        expect(frame.get_by_role("heading")).to_have_text("Hostile but shown")
        page.wait_for_load_state("networkidle")
        expect(frame.locator("body")).not_to_contain_text("SCRIPT RAN")
        assert page.url.startswith(f"{inbox.url}/messages/")

        page.get_by_role("navigation").get_by_role("link", name="Text", exact=True).click()
        expect(page.get_by_role("region", name="Text part")).to_contain_text("<script>document.body.append")
        expect(page.locator("iframe")).to_have_count(0)

    assert set(cloud.asked_for) == {"/_ministack/ses/messages"}


def test_browser_refreshes_the_list_and_keeps_the_search_but_not_while_one_is_typed(
    cloud: FakeCloud, inbox: InboxOverHttp, browser: Browser
) -> None:
    cloud.takes("Debit of 1")

    with browser.new_page(base_url=inbox.url) as page:
        page.clock.install()
        page.goto("/?q=debit")
        cloud.takes("Debit of 2")
        cloud.takes("Credit of 3")
        page.clock.fast_forward(5_000)
        expect(page.locator("ol.messages a.subject")).to_have_text(["Debit of 2", "Debit of 1"])

        page.get_by_role("searchbox").fill("cre")
        asked_before = len(cloud.asked_for)
        page.clock.fast_forward(60_000)
        page.keyboard.type("dit")
        expect(page.get_by_role("searchbox")).to_have_value("credit")
        assert len(cloud.asked_for) == asked_before
        page.keyboard.press("Enter")
        expect(page.locator("ol.messages a.subject")).to_have_text(["Credit of 3"])
