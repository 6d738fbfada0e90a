"""What the console learns before anybody is signed in."""

import pytest

from tests.app_bench import CLIENT, Bench, problem
from tests.staff_world import CLIENT_ID, ISSUER, POOL_ID, keys_url

PATH = "/console/config.json"


def test_it_names_the_pool_its_pages_and_the_api_and_needs_no_token(bench: Bench) -> None:
    answer = bench.get(PATH, key=None)
    assert answer.status_code == 200
    host = {"host": "api.example", "x-forwarded-proto": "https"}
    assert CLIENT.http.get(PATH, headers=host).json_body == {
        "issuer": ISSUER,
        "metadata_url": f"{keys_url()}/{POOL_ID}/.well-known/openid-configuration",
        "client_id": CLIENT_ID,
        "login_url": f"{keys_url()}/oauth2/authorize",
        "logout_url": f"{keys_url()}/logout",
        "api_url": "https://api.example",
    }
    assert answer.headers["Cache-Control"] == "no-cache"


def test_on_aws_everything_is_amazons(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    import app as app_module
    from chalicelib.aws.stage import from_environment
    from chalicelib.services import Services
    from tests.conftest import SETTINGS

    monkeypatch.setattr(app_module, "services", Services(from_environment(SETTINGS), lambda name: None))
    found = bench.get(PATH, key=None).json_body
    assert found["metadata_url"] == f"{ISSUER}/.well-known/openid-configuration"
    assert found["login_url"] == "https://tn-test.auth.us-east-2.amazoncognito.com/oauth2/authorize"


def test_a_stage_without_a_pool_has_none(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STAFF_POOL")
    bench.restart()
    problem(bench.get(PATH, key=None), 404, "route_not_found")


def test_it_takes_no_query(bench: Bench) -> None:
    problem(bench.get(PATH, key=None, v="1"), 400, "validation_failed")
