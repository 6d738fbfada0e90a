"""Addresses by their hash, and what is stored of them: all spellings are one, and rows of earlier releases are read."""

import dataclasses
from datetime import UTC, datetime, timedelta

from chalicelib.holders.address import Address, Entry, id_key, key_of, read_entry, standing_values, sweeps_kept
from chalicelib.holders.holder import Suppressed
from chalicelib.holders.suppression import Standing

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
AWAS = Address.of("eazycard", "awa@example.com")
STANDING = Standing(Suppressed("policy_bounce", NOW, NOW + timedelta(days=14)), NOW - timedelta(days=1), NOW)


def test_all_spellings_of_an_address_are_one_and_no_other_banks() -> None:
    assert Address.of("eazycard", "AWA@Example.COM") == AWAS
    assert Address.of("other-bank", "awa@example.com") != AWAS
    assert "awa" not in AWAS.key


def test_no_holder_id_can_be_taken_for_an_address() -> None:
    assert id_key("eazycard", AWAS.digest, "A1")["address_key"] != key_of(AWAS, "suppression")["address_key"]


def test_what_is_stored_is_read_again() -> None:
    assert read_entry(AWAS, standing_values(STANDING)) == Entry(AWAS, STANDING)
    lifted = dataclasses.replace(STANDING, suppressed=None)
    assert read_entry(AWAS, {**standing_values(lifted), "marks_left": True}) == Entry(AWAS, lifted, has_marks_left=True)
    assert read_entry(AWAS, {}) == Entry(AWAS, Standing())


def test_an_entry_is_swept_when_the_sweep_of_its_own_version_was() -> None:
    values = {**standing_values(STANDING), "version": 7, "marked_version": 4}
    assert read_entry(AWAS, {**values, "swept": 4}).is_swept
    assert not read_entry(AWAS, {**values, "swept": 3}).is_swept
    assert read_entry(AWAS, values).version == 4


def test_an_entry_of_an_earlier_release_has_its_version_and_is_not_swept() -> None:
    entry = read_entry(AWAS, {**standing_values(STANDING), "version": 3})
    assert (entry.version, entry.is_swept) == (3, False)


def test_only_another_suppression_ends_a_sweep_that_was_done() -> None:
    stored = {**standing_values(STANDING), "version": 7, "marked_version": 4, "swept": 4, "marks_left": True}
    assert sweeps_kept(stored, is_same=True) == {"marked_version": 4, "swept": 4, "marks_left": True}
    assert sweeps_kept(stored, is_same=False) == {"marked_version": 8}
