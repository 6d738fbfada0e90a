"""The console's URLs at the user pool's client: entered once, and nothing else of the client is changed."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from infra.sign_in import console_urls, enter_console

URLS = ["https://a1.execute-api.us-east-2.amazonaws.com/prod/console", "https://alerts.example.com/console"]
SETTINGS: dict[str, Any] = {
    "ClientName": "console",
    "AllowedOAuthFlowsUserPoolClient": True,
    "AllowedOAuthFlows": ["code"],
    "AllowedOAuthScopes": ["openid", "email", "profile"],
    "CallbackURLs": ["https://console.invalid/console"],
    "LogoutURLs": ["https://console.invalid/console"],
    "IdTokenValidity": 15,
    "TokenValidityUnits": {"IdToken": "minutes", "AccessToken": "minutes", "RefreshToken": "hours"},
    "RefreshTokenValidity": 12,
    "EnableTokenRevocation": True,
    "PreventUserExistenceErrors": "ENABLED",
    "ReadAttributes": ["email", "name"],
}


@pytest.fixture
def cognito() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("cognito-idp")


@pytest.fixture
def pool(cognito: Any) -> str:
    pool_id = cognito.create_user_pool(PoolName="staff")["UserPool"]["Id"]
    client = cognito.create_user_pool_client(UserPoolId=pool_id, **SETTINGS)["UserPoolClient"]
    return f"{pool_id}/{client['ClientId']}/tn-prod-1"


def client_of(cognito: Any, pool: str) -> dict[str, Any]:
    pool_id, client_id, _ = pool.split("/")
    found: dict[str, Any] = cognito.describe_user_pool_client(UserPoolId=pool_id, ClientId=client_id)["UserPoolClient"]
    return found


def test_the_console_is_below_each_url_of_the_api() -> None:
    api = "https://a1.execute-api.us-east-2.amazonaws.com/prod/"
    assert console_urls(api, "https://alerts.example.com") == URLS
    assert console_urls(api, "") == console_urls(api, api) == URLS[:1]
    assert console_urls("", "") == []


def test_the_urls_are_entered_once_and_all_else_stays(cognito: Any, pool: str) -> None:
    before = client_of(cognito, pool)
    assert enter_console(cognito, pool, URLS)
    after = client_of(cognito, pool)
    assert (after["CallbackURLs"], after["LogoutURLs"]) == (URLS, URLS)
    changed = {"CallbackURLs", "LogoutURLs", "LastModifiedDate"}
    assert {n: v for n, v in after.items() if n not in changed} == {n: v for n, v in before.items() if n not in changed}
    assert not enter_console(cognito, pool, URLS)
    assert enter_console(cognito, pool, URLS[:1])


def test_every_setting_is_sent_again_because_cognito_resets_what_an_update_leaves_out() -> None:
    cognito = boto3.client("cognito-idp")
    described = {**SETTINGS, "UserPoolId": "us-east-2_A", "ClientId": "c1"}
    with Stubber(cognito) as stub:
        asked = {"UserPoolId": "us-east-2_A", "ClientId": "c1"}
        stub.add_response("describe_user_pool_client", {"UserPoolClient": described}, asked)
        sent = {**described, "CallbackURLs": URLS, "LogoutURLs": URLS}
        stub.add_response("update_user_pool_client", {"UserPoolClient": sent}, sent)
        assert enter_console(cognito, "us-east-2_A/c1/d", URLS)
        stub.assert_no_pending_responses()


@pytest.mark.parametrize(("pool", "urls"), [("", URLS), ("us-east-2_A/c1/d", [])])
def test_without_a_pool_or_an_api_nothing_is_asked(pool: str, urls: list[str]) -> None:
    with Stubber(boto3.client("cognito-idp")) as stub:
        assert not enter_console(stub.client, pool, urls)
