"""Why a webhook secret can't be replaced: the texts say what to do, and how long to wait."""

from datetime import timedelta

from chalicelib.webhooks.refusals import NoWebhookSecret, TooManySecrets


def test_the_first_secret_is_an_operator_s() -> None:
    assert "operator" in str(NoWebhookSecret())


def test_the_wait_is_whole_seconds_and_at_least_one() -> None:
    assert TooManySecrets(5, timedelta(seconds=1, milliseconds=1)).retry_after_s == 2
    assert TooManySecrets(5, timedelta(0)).retry_after_s == 1
    assert "5 secrets" in str(TooManySecrets(5, timedelta(hours=1)))
