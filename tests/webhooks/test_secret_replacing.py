"""A bank's webhook secret is replaced without a gap, and no secret is handed out that signs nothing."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.aws.secret_store import SecretStore
from chalicelib.banks.bank import Bank
from chalicelib.banks.secret_rotation import GRACE
from chalicelib.banks.signatures import valid_secrets
from chalicelib.errors import TriedLately
from chalicelib.webhooks.attempts_repository import AttemptLog
from chalicelib.webhooks.refusals import NoWebhookSecret, TooManySecrets
from chalicelib.webhooks.secret_replacing import MOST_SECRETS, SecretReplacer
from tests.webhook_desk import OLD, FakeSecrets

MINUTE = timedelta(minutes=1)
BANK = Bank("eazycard", "Eazycard", "EUR", "standard", webhook_secret_arn="arn")


class Entries(FakeSecrets):
    """A Secrets Manager that can be written."""

    def __init__(self) -> None:
        super().__init__()
        self.store("arn", OLD)

    def put_secret_value(self, SecretId: str, SecretString: str) -> None:  # noqa: N803
        self.values[SecretId] = SecretString


class Safe:
    def __init__(self, dynamodb: Any) -> None:
        self.now = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
        self.entries, self.announced = Entries(), 0
        secrets = SecretStore(lambda: self.entries, lambda: self.now)
        self.replacer = SecretReplacer(secrets, AttemptLog(dynamodb, "DeferralsTable"), lambda: self.now)

    def replace(self, bank: Bank = BANK) -> str:
        return self.replacer.replace(bank, self.announce).secret

    def announce(self) -> None:
        self.announced += 1

    def valid(self) -> list[str]:
        return list(valid_secrets(self.entries.values["arn"], self.now))


@pytest.fixture
def safe(dynamodb: Any, table_names: Any) -> Safe:
    assert table_names
    return Safe(dynamodb)


def test_the_new_secret_signs_first_and_the_previous_one_for_a_day(safe: Safe) -> None:
    replaced = safe.replacer.replace(BANK, lambda: None)
    assert safe.valid() == [replaced.secret, OLD]
    assert replaced.previous_valid_until == safe.now + GRACE
    safe.now += GRACE
    assert safe.valid() == [replaced.secret]


def test_of_two_at_once_the_second_is_refused_and_every_secret_that_was_handed_out_is_valid(safe: Safe) -> None:
    refused = []

    def colleague() -> None:
        with pytest.raises(TriedLately) as error:
            safe.replace()
        refused.append(error.value.retry_after_s)

    mine = safe.replacer.replace(BANK, colleague).secret
    assert refused == [60]
    assert safe.valid() == [mine, OLD]
    safe.now += MINUTE
    theirs = safe.replace()
    assert safe.valid() == [theirs, mine, OLD]


def test_it_is_announced_before_it_is_replaced_and_not_replaced_if_that_fails(safe: Safe) -> None:
    with pytest.raises(ZeroDivisionError):
        safe.replacer.replace(BANK, lambda: 1 // 0 and None)
    assert safe.valid() == [OLD]


def test_five_are_valid_at_most_and_the_wait_is_until_the_first_ends(safe: Safe) -> None:
    first = safe.now
    for number in range(1, MOST_SECRETS):
        safe.now = first + number * MINUTE
        safe.replace()
    safe.now += MINUTE
    with pytest.raises(TooManySecrets) as error:
        safe.replace()
    assert error.value.retry_after_s == (first + MINUTE + GRACE - safe.now).total_seconds()
    assert (len(safe.valid()), safe.announced) == (MOST_SECRETS, MOST_SECRETS - 1)
    safe.now += timedelta(seconds=error.value.retry_after_s)
    safe.replace()


def test_a_bank_without_a_secret_or_whose_entry_is_gone_is_told_so(safe: Safe) -> None:
    with pytest.raises(NoWebhookSecret):
        safe.replace(Bank("eazycard", "Eazycard", "EUR", "standard"))
    safe.entries.values.clear()
    with pytest.raises(NoWebhookSecret):
        safe.replace()
    assert safe.announced == 0
