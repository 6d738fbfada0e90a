"""The rate by host: however many banks and endpoints name one host, it isn't flooded."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.webhooks.host_rate import A_SECOND, AT_ONCE, HostRate
from tests.mail_world import NOW


def test_a_host_gets_as_much_in_a_moment_whatever_the_path_port_or_spelling() -> None:
    rate = HostRate()
    urls = [f"https://{name}:{port}/{port}" for name in ("Hooks.example", "hooks.example") for port in range(1, 31)]
    assert sum(rate.takes(url, NOW) for url in urls) == AT_ONCE
    assert rate.takes("https://other.example/", NOW)


@given(st.lists(st.floats(0, 5), min_size=1, max_size=300))
def test_over_any_time_a_host_gets_no_more_than_its_rate(waits: list[float]) -> None:
    rate, now, taken = HostRate(), NOW, 0
    for wait in waits:
        now += timedelta(seconds=wait)
        taken += rate.takes("https://hooks.example/", now)
    assert taken <= AT_ONCE + A_SECOND * (now - NOW).total_seconds() + 0.001


def test_a_host_that_had_its_share_gets_more_later() -> None:
    rate = HostRate()
    while rate.takes("https://hooks.example/", NOW):
        pass
    assert not rate.takes("https://hooks.example/", NOW + timedelta(seconds=0.9 / A_SECOND))
    assert rate.takes("https://hooks.example/", NOW + timedelta(seconds=1.01 / A_SECOND))
