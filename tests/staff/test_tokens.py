"""ID tokens: whose are taken, and every way in which one is not."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from chalicelib.banks.bank import Bank, BankDirectory
from chalicelib.staff.keys import PoolKeys
from chalicelib.staff.member import Group, StaffMember
from chalicelib.staff.pool import read_pool
from chalicelib.staff.refusals import NotSignedIn
from chalicelib.staff.tokens import LEEWAY, StaffTokens
from tests.staff_world import KEY_ID, LIFETIME, STAFF_POOL, claims, id_token, key_set, signed, signing_key

NOW = datetime(2026, 1, 10, 14, 0, tzinfo=UTC)
BANK = Bank("eazycard", "EAZYCard", "XAF", "standard")


class Banks:
    def api_key(self, key_hash: str) -> None:
        raise AssertionError(key_hash)

    def bank(self, bank_id: str) -> Bank | None:
        known = (BANK, Bank("closed-bank", "Closed", "EUR", "standard", disabled=True))
        return next((bank for bank in known if bank.id == bank_id), None)


def tokens(now: datetime = NOW) -> StaffTokens:
    banks = BankDirectory(Banks(), lambda: now)
    return StaffTokens(read_pool(STAFF_POOL), PoolKeys(key_set, lambda: now), banks, lambda: now)


def refused(token: str, now: datetime = NOW) -> bool:
    try:
        tokens(now).member(token)
    except NotSignedIn:
        return True
    return False


def test_a_token_names_the_member_the_bank_and_the_groups() -> None:
    assert tokens().member(id_token(NOW, groups=["analyst", "auditors"])) == StaffMember(
        subject="5a1c2f0e-0000-4000-8000-00000000000a",
        name="Awa Ndiaye",
        email="awa@bank.example",
        bank=BANK,
        groups=frozenset({Group.VIEWER, Group.ANALYST}),
    )


def test_a_member_without_groups_or_a_name_is_signed_in_all_the_same() -> None:
    member = tokens().member(id_token(NOW, groups=[], name=None, email=None))
    assert (member.groups, member.name, member.email) == (frozenset(), "5a1c2f0e-0000-4000-8000-00000000000a", "")


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://cognito-idp.us-east-2.amazonaws.com/us-east-2_OtherPool"},
        {"iss": None},
        {"aud": "another-client"},
        {"aud": ["client-of-the-console", "another-client"]},
        {"aud": None},
        {"aud": None, "client_id": "client-of-the-console", "token_use": "access"},
        {"token_use": "access"},
        {"token_use": None},
        {"token_use": ["id"]},
        {"sub": None},
        {"sub": 7},
        {"iat": None},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": True},
        {"exp": float("nan")},
        {"iat": "yesterday"},
        {"nbf": "yesterday"},
        {"custom:bank": None},
        {"custom:bank": ""},
        {"custom:bank": "no-bank"},
        {"custom:bank": "closed-bank"},
        {"custom:bank": ["eazycard"]},
        {"custom:bank": "EAZYCARD"},
    ],
    ids=str,
)
def test_a_token_with_a_wrong_claim_is_refused(changes: dict[str, Any]) -> None:
    assert refused(id_token(NOW, **changes))


@pytest.mark.parametrize("groups", ["admin", {"admin": True}, [7, ["admin"]], 7])
def test_groups_of_another_form_count_for_nothing(groups: Any) -> None:
    assert tokens().member(id_token(NOW, **{"cognito:groups": groups})).groups == frozenset()


def test_a_token_is_valid_from_its_issue_to_its_end_and_a_clocks_error_longer() -> None:
    token, second = id_token(NOW), timedelta(seconds=1)
    assert not refused(token, NOW - LEEWAY)
    assert refused(token, NOW - LEEWAY - second)
    assert not refused(token, NOW + LIFETIME + LEEWAY - second)
    assert refused(token, NOW + LIFETIME + LEEWAY)
    later = id_token(NOW, nbf=int((NOW + LEEWAY + second).timestamp()))
    assert refused(later)
    assert not refused(later, NOW + second)


def part(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def test_a_token_that_is_not_signed_with_rs256_by_a_key_of_the_pool_is_refused() -> None:
    header, payload, signature = id_token(NOW).split(".")
    public = signing_key().public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    with_public_key = jwt.api_jws.PyJWS().get_algorithm_by_name("HS256")
    forged = f"{part({'alg': 'HS256', 'kid': KEY_ID})}.{payload}"
    mac = base64.urlsafe_b64encode(with_public_key.sign(forged.encode(), pem)).rstrip(b"=").decode()
    for token in (
        f"{header}.{payload}.",
        f"{header}.{payload}.{signature[:-8]}AAAAAAAA",
        f"{header}.{part(claims(NOW, groups=['admin']))}.{signature}",
        f"{part({'alg': 'none', 'kid': KEY_ID})}.{payload}.",
        f"{part({'alg': 'none', 'kid': KEY_ID})}.{payload}.{signature}",
        f"{forged}.{mac}",
        signed(claims(NOW), "key-of-nobody"),
        signed(claims(NOW), "key-of-nobody", kid=KEY_ID),
        jwt.encode(claims(NOW), signing_key(), algorithm="RS512", headers={"kid": KEY_ID}),
        jwt.encode(claims(NOW), signing_key(), algorithm="PS256", headers={"kid": KEY_ID}),
        jwt.encode(claims(NOW), signing_key(), algorithm="RS256"),
        signed(claims(NOW), jwk={"kty": "RSA"}, kid="made-up", jku="https://attacker.example/keys"),
    ):
        assert refused(token), token


@pytest.mark.parametrize(
    "token",
    [
        *("", ".", "..", "...", "a.b.c", "é.é.é", "\ud800.a.b", "a" * 10_000, "a.b.c.d.e"),
        f"{part([])}.{part({})}.",
        f"{part({'alg': 'RS256', 'kid': KEY_ID})}.{part([])}.AAAA",
        f"{part({'alg': 'RS256', 'kid': 7})}.{part({})}.AAAA",
        f"{base64.urlsafe_b64encode(b'[' * 5_000).decode()}.e30.AAAA",
    ],
    ids=lambda token: token[:20],
)
def test_what_is_no_token_is_refused(token: str) -> None:
    assert refused(token)
