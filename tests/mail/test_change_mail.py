"""The e-mails about a change of the holder's record: what changed, who changed it, and what to do."""

import dataclasses
from datetime import UTC, datetime

import pytest

from chalicelib.holders.change import KINDS, HolderChange
from chalicelib.holders.links import Links
from chalicelib.mail.change_mail import render_change
from mail_gallery.samples import BANK, LINKS, READERS

AT = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
MAX_BYTES = 20_000


def change(
    kind: str = "alerts_ended", by: str = "holder", locale: str = "en", account: str = "A123-4567"
) -> HolderChange:
    return HolderChange("eazycard", account, kind, by, AT, READERS[locale])


@pytest.mark.parametrize(
    ("by", "locale", "line"),
    [
        ("holder", "en", "Changed by: You, on the page of your preferences"),
        ("bank", "en", f"Changed by: {BANK}"),
        ("holder", "fr", "Modifié par\u00a0: Vous, sur la page de vos préférences"),
        ("bank", "fr", f"Modifié par\u00a0: {BANK}"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_it_says_who_made_the_change_and_when(kind: str, by: str, locale: str, line: str) -> None:
    mail = render_change(change(kind, by, locale), BANK, LINKS)
    assert line in mail.text.splitlines()
    assert "2026" in mail.text
    assert mail.subject.endswith(("…\N{WORD JOINER}4567", "a été modifiée", "was changed"))


@pytest.mark.parametrize(("locale", "words"), [("en", "follow the link"), ("fr", "en suivant le lien")])
def test_it_names_the_link_only_where_there_is_one(locale: str, words: str) -> None:
    assert words in render_change(change(locale=locale), BANK, LINKS).text
    without = render_change(change(locale=locale), BANK, Links())
    assert words not in without.text
    assert "http" not in without.text + without.html


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_from_outside_can_put_no_link_or_tag_into_it_and_the_longest_stays_small(kind: str) -> None:
    hostile = "<b>https://evil.example {{x}}" * 5
    reader = dataclasses.replace(READERS["fr"], name=hostile[:140])
    mail = render_change(dataclasses.replace(change(kind), holder=reader, account="x" * 64), hostile, LINKS)
    for part in (mail.subject, mail.text, mail.html):
        assert "https://evil" not in part
        assert "{{" not in part
    assert "<b>" not in mail.html
    assert len(mail.html.encode()) < MAX_BYTES


def test_no_address_is_in_a_mail_about_addresses() -> None:
    mail = render_change(change("address_changed", "bank"), BANK)
    assert "@" not in mail.subject + mail.text
