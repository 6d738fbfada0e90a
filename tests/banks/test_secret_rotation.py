"""The rotation of a bank's secret: what is stored, and which secrets are valid when."""

import base64
from datetime import UTC, datetime, timedelta

from chalicelib.banks.secret_rotation import GRACE, first_stored, new_secret, stored_after
from chalicelib.banks.signatures import valid_secrets

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_a_secret_is_256_bits_and_never_the_same() -> None:
    found = {new_secret() for _ in range(20)}
    assert len(found) == 20
    assert {len(base64.b64decode(one.removeprefix("whsec_"), validate=True)) for one in found} == {32}


def test_the_only_secret_has_no_end() -> None:
    assert valid_secrets(first_stored("whsec_1"), NOW + 1000 * GRACE) == {"whsec_1": None}


def test_the_previous_secret_is_valid_for_the_grace_and_an_earlier_one_keeps_its_end() -> None:
    once = stored_after("whsec_2", first_stored("whsec_1"), GRACE, NOW)
    assert valid_secrets(once, NOW) == {"whsec_2": None, "whsec_1": NOW + GRACE}
    twice = stored_after("whsec_3", once, GRACE, NOW + HOUR)
    assert list(valid_secrets(twice, NOW + HOUR)) == ["whsec_3", "whsec_2", "whsec_1"]
    assert valid_secrets(twice, NOW + GRACE) == {"whsec_3": None, "whsec_2": NOW + HOUR + GRACE}
    assert valid_secrets(twice, NOW + GRACE + HOUR) == {"whsec_3": None}


def test_a_shorter_grace_ends_earlier_ones_too() -> None:
    once = stored_after("whsec_2", first_stored("whsec_1"), GRACE, NOW)
    assert valid_secrets(stored_after("whsec_3", once, HOUR, NOW), NOW + HOUR) == {"whsec_3": None}
    assert valid_secrets(stored_after("whsec_3", once, timedelta(0), NOW), NOW) == {"whsec_3": None}
