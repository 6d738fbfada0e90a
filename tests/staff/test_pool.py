"""The user pool's addresses, from one setting."""

import pytest

from chalicelib.staff.pool import read_pool
from tests.staff_world import CLIENT_ID, ISSUER, STAFF_POOL


def test_amazons_own_pool_has_its_issuers_addresses_and_its_pages_at_its_domain() -> None:
    pool = read_pool(STAFF_POOL)
    assert (pool.issuer, pool.client_id, pool.region) == (ISSUER, CLIENT_ID, "us-east-2")
    assert pool.keys_url == f"{ISSUER}/.well-known/jwks.json"
    assert pool.metadata_url == f"{ISSUER}/.well-known/openid-configuration"
    assert pool.login_url == "https://tn-test.auth.us-east-2.amazoncognito.com/oauth2/authorize"
    assert pool.logout_url == "https://tn-test.auth.us-east-2.amazoncognito.com/logout"
    assert pool.sign_in_origin == "https://tn-test.auth.us-east-2.amazoncognito.com"


def test_an_emulated_pool_has_amazons_issuer_and_its_own_addresses() -> None:
    pool = read_pool(STAFF_POOL, "http://127.0.0.1:4566/")
    assert pool.issuer == ISSUER
    assert pool.keys_url == "http://127.0.0.1:4566/us-east-2_TestPool/.well-known/jwks.json"
    assert pool.metadata_url == "http://127.0.0.1:4566/us-east-2_TestPool/.well-known/openid-configuration"
    assert pool.login_url == "http://127.0.0.1:4566/oauth2/authorize"
    assert pool.logout_url == "http://127.0.0.1:4566/logout"
    assert pool.sign_in_origin == "http://127.0.0.1:4566"


@pytest.mark.parametrize("setting", ["", "us-east-2_TestPool", "a/b", "a/b/c/d"])
def test_a_setting_of_another_form_is_refused(setting: str) -> None:
    with pytest.raises(ValueError, match="unpack"):
        read_pool(setting)
