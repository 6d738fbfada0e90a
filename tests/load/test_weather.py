"""The bad day that a seed draws."""

from load.weather import OUTAGES, SERVICES, STAGES, bad_day, sending_in_doubt


def test_a_seed_draws_one_day_and_another_seed_another() -> None:
    assert bad_day(7, 100) == bad_day(7, 100) != bad_day(8, 100)


def test_each_stage_is_killed_within_the_day_and_more_often_in_a_longer_one() -> None:
    for seconds, times in ((20, 1), (200, 5)):
        killed = [one for one in bad_day(1, seconds) if one.kind.startswith("killed")]
        assert sorted(one.function for one in killed) == sorted([*STAGES] * times)
        assert all(0 <= one.from_s <= seconds and one.most == 1 for one in killed)


def test_outages_are_over_when_the_day_is_and_single_calls_rarely_fail() -> None:
    day = bad_day(3, 60)
    outages = [one for one in day if one.until_s < 1_000]
    assert [(one.kind, one.service) for one in outages] == list(OUTAGES)
    assert all(one.from_s >= 0 and one.until_s <= 60 and one.until_s - one.from_s > 10 for one in outages)
    rare = [one for one in day if one.chance < 1]
    assert {one.service for one in rare} == set(SERVICES)
    assert max(one.chance for one in rare if one.kind != "twice") <= 0.01


def test_only_what_aws_delivers_at_least_once_comes_twice() -> None:
    twice = [(one.service, one.operation) for one in bad_day(3, 60) if one.kind == "twice"]
    assert twice == [("sqs", "SendMessageBatch"), ("events", "PutEvents")]


def test_a_call_of_ses_is_in_doubt_when_its_mailer_dies_or_its_answer_is_lost() -> None:
    happened = {
        "killed_after sesv2 mailer": 1,
        "killed_before dynamodb alert_mailer": 2,
        "lost sesv2 mailer": 4,
        "lost dynamodb mailer": 8,
        "throttled sesv2 mailer": 16,
        "killed_after dynamodb api_handler": 32,
    }
    assert sending_in_doubt(happened) == 7
