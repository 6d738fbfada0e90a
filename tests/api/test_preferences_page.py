"""The holder's page over HTTP: who gets in, what is changed and what never is, and what a browser is told of it."""

import json
import re
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from botocore.exceptions import ClientError
from chalice.test import HTTPResponse

import app as app_module
from chalicelib.api.preferences_html import PAGES
from chalicelib.holders.holder import Holder
from chalicelib.holders.repository import HolderRepository
from tests.app_bench import AWS, HOLDER, NOW, Bench, problem
from tests.fakes import Failing, Interrupted, Refusing, refusal
from tests.forms import button, filled, forms
from tests.visitor import FORM, Visitor

ONE_CLICK = "List-Unsubscribe=One-Click"
INVALID_FR, INVALID_EN = "Ce lien n’est plus valable", "This link is no longer valid"


@pytest.fixture
def awa(bench: Bench) -> Visitor:
    return Visitor(bench)


def is_invalid(response: HTTPResponse) -> bool:
    text = response.body.decode()
    return response.status_code == 400 and INVALID_FR in text and INVALID_EN in text


def test_the_page_is_in_the_holder_s_language_and_shows_what_is_preferred(bench: Bench) -> None:
    french = Visitor(bench, "A1", locale="fr", preferences={"types": ["debit"], "min_amount": {"XAF": "5000"}})
    english = Visitor(bench, "A2", locale="en")
    shown = french.open().body.decode()
    assert '<html lang="fr">' in shown
    assert "Vos préférences d’e-mail" in shown
    assert filled(shown)["types"] == ["debit"]
    assert filled(shown)["min_amount.XAF"] == ["5000"]
    assert filled(shown)["min_amount.EUR"] == [""]  # the bank's own currency
    assert "XAF – franc CFA (BEAC)" in shown
    assert "Cameroun" in shown
    assert '<html lang="en">' in (shown := english.open().body.decode())
    assert "Your e-mail preferences" in shown
    assert "Cameroon" in shown


def test_the_page_names_the_bank_and_shows_the_account_masked_and_nobody_s_name(bench: Bench) -> None:
    shown = Visitor(bench, "CM2110002000300277976315008", locale="en").open().body.decode()
    assert "Eazycard tells you" in shown
    assert "…\N{WORD JOINER}5008" in shown
    for hidden in ("CM211000", "Awa", "awa@example.com"):
        assert hidden not in shown


def test_what_is_sent_is_saved_confirmed_and_shown(awa: Visitor) -> None:
    answer = awa.send(
        types=["debit"],
        **{"min_amount.EUR": ["10,50"]},
        new_currency=["XAF"],
        new_least=["5 000"],
        quiet=["on"],
        quiet_from=["21:00"],
        quiet_to=["06:30"],
        statement=["weekly"],
    )
    assert answer.status_code == 200
    assert "Vos préférences sont enregistrées." in answer.body.decode()
    assert awa.preferences == {
        "types": ["debit"],
        "min_amount": {"EUR": "10.50", "XAF": "5000"},
        "quiet_hours": {"from": "21:00", "to": "06:30"},
        "statement": "weekly",
    }
    again = filled(awa.open().body.decode())
    assert again == filled(answer.body.decode())
    assert again["min_amount.XAF"] == ["5000"]
    assert again["quiet"] == ["on"]


def test_all_off_is_saved_and_said_plainly_and_can_be_taken_back(awa: Visitor) -> None:
    answer = awa.send(muted=["on"])
    assert "Vous ne recevrez plus aucun e-mail" in answer.body.decode()
    assert awa.preferences == {"muted": True}
    assert "Vos préférences sont enregistrées." in awa.send(muted=[]).body.decode()
    assert awa.preferences == {}


def test_nothing_but_the_preferences_is_touched(awa: Visitor) -> None:
    before = awa.stored
    awa.bench.now += timedelta(days=3)
    assert awa.send(muted=["on"], name=["Eve"], email=["eve@example.com"], locale=["en"]).status_code == 200
    chosen = {"preferences": {"muted": True}, "preferences_chosen_by": "holder"}
    times = dict.fromkeys(("preferences_chosen_at", "updated_at"), "2026-01-13T14:00:00Z")
    assert awa.stored == {**before, **chosen, **times}


def test_a_form_that_is_sent_twice_is_confirmed_twice(awa: Visitor) -> None:
    fields = {**filled(awa.open().body.decode()), "statement": ["monthly"]}
    for _ in range(2):
        answer = awa.post(urlencode(fields, doseq=True), awa.page_path)
        assert answer.status_code == 200
        assert "enregistrées" in answer.body.decode()
    assert awa.preferences == {"statement": "monthly"}


def test_mistakes_are_told_beside_their_fields_what_was_typed_is_kept_and_nothing_is_saved(awa: Visitor) -> None:
    before = awa.stored
    answer = awa.send(**{"min_amount.EUR": ['12,345"><b>']}, quiet=["on"], quiet_to=["25:00"], statement=["weekly"])
    assert answer.status_code == 400
    shown = answer.body.decode()
    assert awa.stored == before
    assert filled(shown)["min_amount.EUR"] == ['12,345"><b>']
    assert filled(shown)["statement"] == ["weekly"]
    assert 'value="12,345&#34;&gt;&lt;b&gt;"' in shown
    for field, label, message in (
        ("min_amount.EUR", "Minimum en EUR – euro", "Saisissez un montant"),
        ("quiet_to", "Heures calmes", "Saisissez une heure"),
    ):
        assert f'<a href="#{field}">{label}\u00a0: {message}' in shown
        assert f'id="{field}-wrong">{message}' in shown
        assert re.search(
            rf'id="{re.escape(field)}"[^>]*aria-describedby="{re.escape(field)}-wrong" aria-invalid="true"', shown
        )
    assert "<title>À corriger\u00a0: " in shown


def test_what_the_bank_changes_meanwhile_is_not_overwritten_unseen(awa: Visitor) -> None:
    fields = {**filled(awa.open().body.decode()), "statement": ["monthly"]}
    awa.enrol(preferences={"types": ["debit"]})
    answer = awa.post(urlencode(fields, doseq=True), awa.page_path)
    assert answer.status_code == 409
    assert "modifiées entre-temps" in answer.body.decode()
    assert awa.preferences == {"types": ["debit"]}
    assert filled(answer.body.decode())["types"] == ["debit"]
    # Seen now, it can be changed.
    assert awa.send(statement=["monthly"]).status_code == 200
    assert awa.preferences == {"types": ["debit"], "statement": "monthly"}


def test_a_mistake_in_an_old_form_does_not_hide_what_was_changed_meanwhile(awa: Visitor) -> None:
    shown = filled(awa.open().body.decode())
    awa.send(types=["debit"])  # in another tab
    mistaken = {**shown, "quiet": ["on"], "quiet_from": ["25:00"]}
    answer = awa.post(urlencode(mistaken, doseq=True), awa.page_path)
    assert answer.status_code == 409
    assert "modifiées entre-temps" in answer.body.decode()
    # Nor does a mistake that is corrected on the page that shows it.
    mistaken = {**filled(answer.body.decode()), "quiet": ["on"], "quiet_from": ["25:00"]}
    answer = awa.post(urlencode(mistaken, doseq=True), awa.page_path)
    assert answer.status_code == 400
    corrected = {**filled(answer.body.decode()), "quiet_from": ["21:00"]}
    awa.send(statement=["weekly"])  # in another tab again
    assert awa.post(urlencode(corrected, doseq=True), awa.page_path).status_code == 409
    assert awa.preferences == {"types": ["debit"], "statement": "weekly"}


def rewrite(awa: Visitor, **changes: Any) -> None:
    """Write what the bank would, past the function under test."""
    holder = Holder(**{name: changes.get(name, getattr(awa.holder, name)) for name in Holder.__dataclass_fields__})
    HolderRepository(awa.bench.dynamodb, "AccountsTable").put("eazycard", "A123", holder)


def erase(awa: Visitor) -> None:
    HolderRepository(awa.bench.dynamodb, "AccountsTable").delete("eazycard", "A123", "h1", NOW)


def test_a_change_between_our_read_and_our_write_is_not_lost(awa: Visitor) -> None:
    awa.bench.restart(
        dynamodb=Interrupted(
            awa.bench.dynamodb, lambda: rewrite(awa, preferences={"types": []}, name="Awa N."), operation="update_item"
        )
    )
    answer = awa.send(statement=["monthly"])
    assert answer.status_code == 409
    assert (awa.preferences, awa.stored["name"]) == ({"types": []}, "Awa N.")


@pytest.mark.parametrize("body", ["statement=monthly", ONE_CLICK])
def test_a_holder_who_is_erased_between_our_read_and_our_write_stays_erased(awa: Visitor, body: str) -> None:
    fields = f"{urlencode(filled(awa.open().body.decode()), doseq=True)}&{body}"
    awa.bench.restart(dynamodb=Interrupted(awa.bench.dynamodb, lambda: erase(awa), operation="update_item"))
    assert is_invalid(awa.post(fields.replace("statement=none&", ""), awa.page_path))
    assert awa.bench.get("/accounts/A123/holders").json_body == {"holders": []}


@pytest.mark.parametrize("body", ["statement=monthly", ONE_CLICK])
def test_an_address_that_changes_between_our_read_and_our_write_keeps_its_own_preferences(
    awa: Visitor, body: str
) -> None:
    fields = f"{urlencode(filled(awa.open().body.decode()), doseq=True)}&{body}"
    awa.bench.restart(
        dynamodb=Interrupted(awa.bench.dynamodb, lambda: rewrite(awa, email="ben@example.com"), operation="update_item")
    )
    assert is_invalid(awa.post(fields.replace("statement=none&", ""), awa.page_path))
    assert awa.preferences == {}


def strangers(awa: Visitor) -> Iterator[str]:
    yield "/preferences/x"
    yield f"{awa.page_path}x"
    token = awa.page_path.rpartition("/")[2]
    yield f"/preferences/{'B' if token[0] == 'A' else 'A'}{token[1:]}"
    yield f"/preferences/{quote('é<script>')}"
    yield f"/preferences/{'x' * 3000}"


def test_a_link_that_was_not_issued_opens_nothing_and_says_what_to_do(awa: Visitor) -> None:
    for path in strangers(awa):
        assert is_invalid(awa.open(path)), path
        assert is_invalid(awa.post(ONE_CLICK, path)), path
        assert is_invalid(awa.post("muted=on&seen=x", path)), path
    assert awa.preferences == {}


def test_an_old_link_opens_nothing(awa: Visitor) -> None:
    awa.bench.now = NOW + timedelta(days=30, seconds=1)
    assert is_invalid(awa.open())
    assert is_invalid(awa.post(ONE_CLICK, awa.page_path))
    assert awa.preferences == {}
    awa.bench.now = NOW + timedelta(days=365)
    assert awa.post(ONE_CLICK, awa.unsubscribe_path).status_code == 200
    assert awa.preferences == {"muted": True}


def test_an_erased_holder_s_link_is_answered_as_a_forged_one(awa: Visitor) -> None:
    assert awa.bench.request("DELETE", awa.path).status_code == 204
    forged = awa.open("/preferences/x")
    for path in (awa.page_path, awa.unsubscribe_path):
        for answer in (awa.open(path), awa.post(ONE_CLICK, path), awa.post("seen=x", path)):
            own_id = {"x-request-id": answer.headers["x-request-id"]}
            assert (answer.status_code, answer.body, answer.headers) == (400, forged.body, forged.headers | own_id)


def test_a_link_in_the_old_mailbox_ends_when_the_bank_gives_the_id_another_address(awa: Visitor) -> None:
    awa.enrol(email="ben@example.com", name="Ben")
    assert is_invalid(awa.open())
    assert is_invalid(awa.post(ONE_CLICK, awa.unsubscribe_path))
    assert awa.preferences == {}


def test_a_link_changes_its_own_holder_only(bench: Bench) -> None:
    visitors = [Visitor(bench, "A1"), Visitor(bench, "A2"), Visitor(bench, "A1", bank="other-bank")]
    assert (
        bench.request("PUT", "/accounts/A1/holders/h2", {**HOLDER, "preferences": {"types": ["debit"]}}).status_code
        == 201
    )
    issued = visitors[0]
    assert issued.post(ONE_CLICK, issued.unsubscribe_path).status_code == 200
    listed = bench.get("/accounts/A1/holders").json_body["holders"]
    assert [one["preferences"] for one in listed] == [{"muted": True}, {"types": ["debit"]}]
    assert [visitor.preferences for visitor in visitors[1:]] == [{}, {}]


def test_one_click_turns_all_off_once_and_for_all(awa: Visitor) -> None:
    awa.enrol(preferences={"types": ["debit"], "statement": "weekly"})
    for path in (awa.unsubscribe_path, awa.unsubscribe_path, awa.page_path):
        assert awa.post(ONE_CLICK, path).status_code == 200
        assert awa.preferences == {"types": ["debit"], "statement": "weekly", "muted": True}


BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
MULTIPART = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--{BOUNDARY}--\r\n'
)
# What mail programs and their relays send to a List-Unsubscribe link: the form of RFC 8058, and what is seen instead.
TYPES_SENT = [
    None,
    "",
    FORM,
    f"{FORM}; charset=UTF-8",
    f"{FORM};charset=x",
    FORM.upper(),
    "text/plain",
    "text/plain; charset=utf-8",
    "application/json",
    "application/octet-stream",
    "image/png",
    "multipart/form-data",
    f"multipart/form-data; boundary={BOUNDARY}",
    f'multipart/form-data; charset=utf-8; boundary="{BOUNDARY}"',
    "multipart/mixed; boundary=x",
    "nonsense",
    "*/*",
]
BODIES_SENT: list[str | bytes] = [
    ONE_CLICK,
    "",
    "List-Unsubscribe=",
    "list-unsubscribe=one-click",
    f"{ONE_CLICK}\r\n",
    f"{ONE_CLICK}&{ONE_CLICK}",
    "List-Unsubscribe%3DOne-Click",
    "{}",
    MULTIPART,
    "%FF%FE=\x00",
    b"\xff\xfe\x00",
    "&" * 900,
    "a" * 70_000,
]


@pytest.mark.parametrize("body", BODIES_SENT, ids=lambda body: repr(body[:20]))
def test_whatever_a_mail_program_posts_to_the_unsubscribe_link_unsubscribes(bench: Bench, body: str | bytes) -> None:
    for number, content_type in enumerate(TYPES_SENT):
        awa = Visitor(bench, f"A{number}", preferences={"statement": "weekly"})
        answer = awa.post(body, awa.unsubscribe_path, content_type)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8"), content_type
        assert "E-mails désactivés" in answer.body.decode()
        assert awa.preferences == {"statement": "weekly", "muted": True}, content_type
        assert awa.stored["preferences_chosen_by"] == "holder"


@pytest.mark.parametrize("body", [one for one in BODIES_SENT if one not in (ONE_CLICK, MULTIPART, "a" * 70_000)])
@pytest.mark.parametrize("content_type", TYPES_SENT)
def test_at_the_page_another_body_turns_nothing_off(awa: Visitor, body: str | bytes, content_type: str | None) -> None:
    assert is_invalid(awa.post(body, awa.page_path, content_type))
    assert awa.preferences == {}


def test_at_the_page_the_form_of_one_click_unsubscribes_whatever_its_type(awa: Visitor) -> None:
    sent = [("text/plain", ONE_CLICK), (None, ONE_CLICK), (f"multipart/form-data; boundary={BOUNDARY}", MULTIPART)]
    for content_type, body in sent:
        awa.enrol()
        assert awa.post(body, awa.page_path, content_type).status_code == 200
        assert awa.preferences == {"muted": True}


@pytest.mark.parametrize("bank_s_wish", [{}, {"preferences": {}}, {"preferences": {"muted": False, "alerts": True}}])
def test_what_was_chosen_stands_whatever_the_bank_s_nightly_sync_sends(
    awa: Visitor, bank_s_wish: dict[str, Any]
) -> None:
    awa.enrol(preferences={"types": ["debit"]})
    awa.post(ONE_CLICK, awa.unsubscribe_path)
    unsubscribed = awa.stored
    awa.bench.now += timedelta(days=1)
    awa.enrol(**bank_s_wish)
    assert awa.preferences == {**bank_s_wish.get("preferences", {}), "muted": True}
    assert awa.bench.request("PATCH", awa.path, {"preferences": {"muted": False}}).json_body["preferences"]["muted"]
    for name in ("preferences_chosen_by", "preferences_chosen_at", "created_at"):
        assert awa.stored[name] == unsubscribed[name]
    assert awa.stored["preferences_chosen_at"] == "2026-01-10T14:00:00Z"


def test_a_saved_form_is_the_holder_s_choice_of_all_that_it_shows(awa: Visitor) -> None:
    awa.enrol(preferences={"statement": "weekly", "min_amount": {"XAF": "5000"}})
    assert awa.send(statement=["weekly"], **{"min_amount.XAF": [""]}).status_code == 200
    awa.enrol(preferences={"min_amount": {"XAF": "7000"}, "muted": True, "types": ["credit"]})
    assert awa.preferences == {"statement": "weekly"}
    assert awa.stored["preferences_chosen_by"] == "holder"


def test_the_unsubscribed_page_says_what_still_comes_and_takes_it_back_with_a_button(awa: Visitor) -> None:
    answer = awa.post(ONE_CLICK, awa.unsubscribe_path).body.decode()
    assert "Seules les alertes de sécurité continuent" in answer
    assert filled(answer) == {"do": ["emails_on"]}
    undone = awa.post(urlencode(filled(answer), doseq=True), awa.unsubscribe_path)
    assert "E-mails réactivés" in undone.body.decode()
    assert awa.preferences == {"muted": False}
    awa.enrol(preferences={"muted": True})
    assert awa.preferences == {"muted": False}
    awa.enrol()
    awa.post(ONE_CLICK, awa.unsubscribe_path)
    assert awa.preferences == {"muted": True}


def test_the_page_turns_e_mails_on_again_with_a_button_of_their_own(awa: Visitor) -> None:
    assert [one.get("do") for one in forms(awa.open().body.decode())] == [None, ["alerts_off"]]
    awa.enrol(preferences={"types": ["debit"]})
    awa.post(ONE_CLICK, awa.unsubscribe_path)
    sent = button(awa.open().body.decode(), "emails_on")
    answer = awa.post(urlencode(sent, doseq=True), awa.page_path)
    assert "de nouveau activés" in answer.body.decode()
    assert awa.preferences == {"types": ["debit"], "muted": False}


def confirmed(awa: Visitor) -> dict[str, list[str]]:
    """Return what the second page about the security alerts would send."""
    asked = awa.post(urlencode(button(awa.open().body.decode(), "alerts_off"), doseq=True), awa.page_path)
    assert asked.status_code == 200
    return button(asked.body.decode(), "alerts_off")


def test_security_alerts_end_only_when_a_second_page_is_confirmed_and_come_back_with_one_button(awa: Visitor) -> None:
    before = awa.stored
    sent = confirmed(awa)
    assert awa.stored == before
    assert set(sent) == {"do", "confirmed"}
    answer = awa.post(urlencode(sent, doseq=True), awa.page_path)
    assert "Les alertes de sécurité sont désactivées." in answer.body.decode()
    assert awa.preferences == {"alerts": False}
    again = awa.post(urlencode(sent, doseq=True), awa.page_path)  # the page is sent twice
    assert (again.status_code, awa.preferences) == (200, {"alerts": False})
    awa.enrol(preferences={"alerts": True})
    assert awa.preferences == {"alerts": False}
    sent = button(awa.open().body.decode(), "alerts_on")
    assert "de nouveau activées" in awa.post(urlencode(sent, doseq=True), awa.page_path).body.decode()
    assert awa.preferences == {"alerts": True}
    awa.enrol(preferences={"alerts": False})
    assert awa.preferences == {"alerts": True}


def test_the_form_ends_no_alerts_whatever_is_sent_with_it(awa: Visitor) -> None:
    assert awa.send(alerts=["off"], muted=["on"], confirmed=["x"]).status_code == 200
    assert awa.preferences == {"muted": True}
    assert awa.stored["preferences_chosen_by"] == "holder"
    assert awa.holder.has_alerts


@pytest.mark.parametrize("guess", ["", "x", "seen"])
def test_a_confirmation_of_what_was_not_shown_ends_no_alerts(awa: Visitor, guess: str) -> None:
    fields = filled(awa.open().body.decode())
    sent = {"do": "alerts_off", "confirmed": fields["seen"][0] if guess == "seen" else guess}
    assert awa.post(urlencode(sent), awa.page_path).status_code == 409
    old = confirmed(awa)
    awa.enrol(preferences={"types": ["debit"]})
    answer = awa.post(urlencode(old, doseq=True), awa.page_path)
    assert answer.status_code == 409
    assert "modifiées entre-temps" in answer.body.decode()
    assert awa.preferences == {"types": ["debit"]}


def test_at_the_unsubscribe_link_no_alerts_end(awa: Visitor) -> None:
    awa.post(urlencode(confirmed(awa), doseq=True), awa.unsubscribe_path)
    assert awa.preferences == {"muted": True}


def test_who_has_neither_e_mails_nor_alerts_is_told_so(awa: Visitor) -> None:
    awa.post(urlencode(confirmed(awa), doseq=True), awa.page_path)
    answer = awa.post(ONE_CLICK, awa.unsubscribe_path).body.decode()
    assert "Les alertes de sécurité sont désactivées aussi" in answer


def test_an_endless_body_is_refused(awa: Visitor) -> None:
    problem(awa.post("a" * 70_000, awa.page_path), 413, "body_too_large")


def test_the_unsubscribe_link_opened_by_hand_asks_first_and_its_button_turns_all_off(awa: Visitor) -> None:
    shown = awa.open(awa.unsubscribe_path)
    assert shown.status_code == 200
    assert filled(shown.body.decode()) == {"List-Unsubscribe": ["One-Click"]}
    assert awa.preferences == {}
    answer = awa.post(urlencode(filled(shown.body.decode()), doseq=True), awa.unsubscribe_path)
    assert "E-mails désactivés" in answer.body.decode()
    assert awa.preferences == {"muted": True}


def test_the_unsubscribe_link_doesn_t_save_the_form(awa: Visitor) -> None:
    assert awa.send(awa.unsubscribe_path, statement=["weekly"]).status_code == 200
    assert awa.preferences == {"muted": True}


def test_following_links_changes_nothing(awa: Visitor) -> None:
    before = awa.stored
    for path in (awa.page_path, awa.unsubscribe_path):
        for query in ("", f"?{ONE_CLICK}", "?muted=on&seen=x"):
            assert awa.open(f"{path}{query}").status_code == 200
            assert awa.bench.request("HEAD", f"{path}{query}", key=None).status_code == 200
        for method in ("PUT", "DELETE", "PATCH"):
            assert awa.bench.request(method, path, key=None).status_code >= 400
    assert awa.stored == before


@pytest.mark.parametrize("operation", ["batch_get_item", "update_item"])
def test_while_a_table_can_t_be_reached_a_page_says_to_try_again(awa: Visitor, operation: str) -> None:
    body = urlencode({**filled(awa.open().body.decode()), "statement": ["weekly"]}, doseq=True)
    awa.bench.restart(dynamodb=Refusing(awa.bench.dynamodb, refusal("ThrottlingException"), operation))
    for sent in (body, ONE_CLICK):
        answer = awa.post(sent, awa.page_path)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
        assert "Veuillez réessayer" in answer.body.decode()
        assert "Please try again" in answer.body.decode()
    if operation == "batch_get_item":
        assert awa.open().status_code == 503


def test_while_the_keys_can_t_be_read_a_page_says_to_try_again(awa: Visitor) -> None:
    awa.bench.restart(
        secretsmanager=Refusing(AWS["secretsmanager"], refusal("ThrottlingException"), "get_secret_value")
    )
    assert awa.open().status_code == 503
    assert awa.post(ONE_CLICK, awa.unsubscribe_path).status_code == 503


def test_an_unexpected_error_tells_nothing(awa: Visitor) -> None:
    failing = Failing(awa.bench.dynamodb, ClientError({"Error": {"Code": "AccessDenied", "Message": "secret"}}, "x"))
    awa.bench.restart(dynamodb=failing)
    document = problem(awa.open(), 500, "internal_error")
    assert "secret" not in json.dumps(document)


def pages(awa: Visitor) -> Iterator[HTTPResponse]:
    yield awa.open()
    yield awa.open(awa.unsubscribe_path)
    yield awa.open("/preferences/x")
    yield awa.send(statement=["weekly"])
    yield awa.send(statement=["x"])
    yield awa.post("do=alerts_off", awa.page_path)
    yield awa.post(ONE_CLICK, awa.unsubscribe_path)


def test_every_page_is_kept_by_nobody_found_by_nobody_and_framed_by_nobody(awa: Visitor) -> None:
    for page in pages(awa):
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["X-Robots-Tag"] == "noindex, nofollow"
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        policy = dict(part.split(" ", 1) for part in page.headers["Content-Security-Policy"].split("; "))
        assert (policy["default-src"], policy["base-uri"], policy["frame-ancestors"]) == ("'none'",) * 3
        assert policy["form-action"] == "'self'"
        assert "unsafe" not in str(policy)
        text = page.body.decode()
        assert "<script" not in text
        assert not re.search(r"(?:src|href)=\"(?!#|data:,)", text)


def test_hostile_names_are_shown_as_text(bench: Bench) -> None:
    bench.banks.change_bank("eazycard", name='<img src=x onerror="1">{{ 7*7 }}{bank}\u202e')
    shown = Visitor(bench, locale="en").open().body.decode()
    assert "<img" not in shown
    assert "&lt;img src=x" in shown
    # As in an e-mail, invisible marks cut braces apart.
    assert "{{ 7*7 }}{bank} tells you" in shown.replace("\N{WORD JOINER}", "")


def test_a_bank_that_is_gone_is_named_by_its_id(awa: Visitor) -> None:
    awa.bench.dynamodb.delete_item(TableName="BanksTable", Key={"entry": {"S": "bank#eazycard"}})
    assert "eazycard vous informe" in awa.open().body.decode()


def test_neither_links_nor_people_are_logged(awa: Visitor, logged: Any) -> None:
    for _ in pages(awa):
        pass
    awa.bench.restart(dynamodb=Failing(awa.bench.dynamodb, ValueError("x")))
    awa.open()
    text = logged()
    assert '"preferences_changed"' in text
    assert "one_click" in text
    for secret in (awa.page_path.rpartition("/")[2], awa.unsubscribe_path.rpartition("/")[2], "awa@", "Awa", "A123"):
        assert secret not in text


def test_no_route_of_the_page_asks_for_a_key() -> None:
    assert not any(entry.api_key_required for entry in app_module.app.routes["/preferences/{token}"].values())


def words(locale: str) -> dict[str, Any]:
    return tomllib.loads((PAGES / f"preferences.{locale}.toml").read_text("utf-8"))


def flat(values: dict[str, Any], path: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, list):
            value = {str(number): one for number, one in enumerate(value)}
        found |= flat(value, f"{path}{name}.") if isinstance(value, dict) else {f"{path}{name}": value}
    return found


def test_both_languages_say_the_same_things() -> None:
    french, english = flat(words("fr")), flat(words("en"))
    assert french.keys() == english.keys()
    for name, text in french.items():
        # Only French has a form of its own for what is from a bank: d’EAZYCard.
        named = set(re.findall(r"\{\w+\}", text.replace("{of_bank}", "{bank}")))
        assert named == set(re.findall(r"\{\w+\}", english[name])), name
        assert name == "colon" or text != english[name], name


def test_the_french_is_set_as_french_is() -> None:
    for name, text in flat(words("fr")).items():
        assert "'" not in text, name
        assert '"' not in text, name
        assert not re.search(r"[^\u00a0\u202f][?!;»]", text), name
        assert not re.search(r"(?<![\u00a0\d])[:]", text), name
