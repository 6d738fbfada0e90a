"""The mail that asks to confirm an address: it says what the service says, and nothing that a bank could write."""

import dataclasses

import pytest

from chalicelib.mail.confirmation_mail import render_confirmation
from mail_gallery.samples import BANK, CONFIRMATION_LINK, READERS

MAX_BYTES = 20_000


@pytest.mark.parametrize("locale", READERS)
def test_the_link_is_in_both_parts_and_the_bank_is_named(locale: str) -> None:
    mail = render_confirmation(READERS[locale], BANK, CONFIRMATION_LINK)
    assert mail.text.count(CONFIRMATION_LINK) == mail.html.count(CONFIRMATION_LINK) == 1
    assert BANK in mail.subject
    assert "14" in mail.text
    assert not mail.is_alert


@pytest.mark.parametrize("locale", READERS)
def test_a_bank_that_enrols_a_stranger_can_tell_the_stranger_nothing(locale: str) -> None:
    message = "Visit https://evil.example and win"
    stranger = dataclasses.replace(READERS[locale], name=message, id="win", timezone="UTC")
    mail = render_confirmation(stranger, BANK, CONFIRMATION_LINK)
    assert mail == render_confirmation(READERS[locale], BANK, CONFIRMATION_LINK)
    assert "evil" not in mail.subject + mail.text + mail.html


def test_a_bank_s_name_can_put_no_tag_or_link_into_it_and_it_stays_small() -> None:
    mail = render_confirmation(READERS["fr"], "<b>https://evil.example {{x}}" * 4, CONFIRMATION_LINK)
    for part in (mail.subject, mail.text, mail.html):
        assert "https://evil" not in part
        assert "{{" not in part
    assert "<b>" not in mail.html
    assert len(mail.html.encode()) < MAX_BYTES
