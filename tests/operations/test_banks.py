"""The command that creates a stage's banks and looks after their keys, against a provisioned stage on moto."""

import dataclasses
import json
import re
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from chalicelib.banks.bank import Bank, BankDirectory, hash_key
from chalicelib.banks.signatures import valid_secrets
from chalicelib.errors import UnknownApiKey
from infra.gateway import attach_plans, put_on_plan
from infra.provision import deploy_data_stack
from infra.sessions import Stage
from infra.stacks import PROJECT
from operations import banks
from operations.bank_registry import BankRefused, Registry, registry
from operations.sender_identities import IdentityRefused, SenderIdentities
from tests import moto_server
from tests.fake_identities import FakeSes

BANK = Bank("eazycard", "EAZYCard", "XAF", "standard")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with moto_server.running() as url:
        yield url


@pytest.fixture
def session(server: str, monkeypatch: pytest.MonkeyPatch) -> boto3.session.Session:
    """An account in which the stage prod is provisioned, and nothing else."""
    urllib.request.urlopen(urllib.request.Request(f"{server}/moto-api/reset", method="POST")).close()
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    session = boto3.session.Session(region_name="us-east-2")
    deploy_data_stack(session, "prod", mail_from="alerts@example.com", poll_s=0.01)
    return session


@pytest.fixture
def gateway(session: boto3.session.Session) -> Any:
    return session.client("apigateway")


@pytest.fixture
def api(gateway: Any) -> str:
    """The id of the stage's API, beside one of another project and one of another stage."""
    deploy_api(gateway, "another-project", "prod")
    deploy_api(gateway, PROJECT, "dev")
    return deploy_api(gateway, PROJECT, "prod")


@pytest.fixture
def registered(session: boto3.session.Session, api: str) -> Registry:
    return registry(Stage("prod", session))


def deploy_api(gateway: Any, name: str, stage: str) -> str:
    api_id: str = gateway.create_rest_api(name=name)["id"]
    root = gateway.get_resources(restApiId=api_id)["items"][0]["id"]
    method = {"restApiId": api_id, "resourceId": root, "httpMethod": "GET"}
    gateway.put_method(**method, authorizationType="NONE")
    gateway.put_integration(**method, type="MOCK")
    gateway.create_deployment(restApiId=api_id, stageName=stage)
    return api_id


@dataclass
class Command:
    """The command line, and what it prints."""

    capsys: pytest.CaptureFixture[str]

    def __call__(self, line: str) -> str:
        """Return what a successful command printed."""
        assert banks.main(["--stage", "prod", *line.split()]) == 0
        return self.capsys.readouterr().out

    def refused(self, line: str) -> str:
        """Return the one line with which the command was refused."""
        assert banks.main(["--stage", "prod", *line.split()]) == 1
        said = self.capsys.readouterr()
        assert said.out == ""
        assert said.err.count("\n") == 1
        return said.err


@pytest.fixture
def command(session: boto3.session.Session, api: str, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys)


def key_in(printed: str) -> str:
    (key,) = re.findall(r"tn_[A-Za-z0-9_-]{43}", printed)
    return str(key)


def plans(gateway: Any) -> dict[str, Any]:
    return {plan["name"]: plan for plan in gateway.get_usage_plans()["items"]}


def gateway_keys(gateway: Any) -> dict[str, bool]:
    """Return whether each of API Gateway's keys is enabled, by the key's value."""
    return {key["value"]: key["enabled"] for key in gateway.get_api_keys(includeValues=True)["items"]}


def directory(registered: Registry, now: datetime) -> BankDirectory:
    """Return the app's view of the banks at this time, with nothing remembered."""
    return BankDirectory(registered.store, lambda: now)


def refuses(registered: Registry, key: str, now: datetime) -> bool:
    try:
        directory(registered, now).resolve(key)
    except UnknownApiKey:
        return True
    return False


def test_create_prints_a_key_once_by_which_the_app_knows_the_bank(command: Command, registered: Registry) -> None:
    key = key_in(command("create --id eazycard --name EAZYCard --currency XAF --plan standard"))

    assert directory(registered, datetime.now(UTC)).resolve(key) == BANK
    assert key not in command("list")


def test_only_the_keys_hash_is_stored(command: Command, registered: Registry) -> None:
    key = key_in(command("create --id eazycard --name EAZYCard --currency XAF"))

    stored = json.dumps(registered.dynamodb.scan(TableName=registered.table)["Items"])
    assert hash_key(key) in stored
    assert key not in stored
    assert key.removeprefix("tn_") not in stored


@pytest.mark.parametrize(
    ("plan", "throttle", "quota"),
    [
        ("trial", {"rateLimit": 5.0, "burstLimit": 10}, {"limit": 10_000, "period": "DAY"}),
        ("standard", {"rateLimit": 100.0, "burstLimit": 200}, {"limit": 5_000_000, "period": "DAY"}),
        ("volume", {"rateLimit": 1_000.0, "burstLimit": 2_000}, None),
    ],
)
def test_a_banks_key_is_throttled_by_its_plan_on_this_stage_alone(
    command: Command, gateway: Any, api: str, plan: str, throttle: dict[str, float], quota: dict[str, Any] | None
) -> None:
    key = key_in(command(f"create --id eazycard --name EAZYCard --currency XAF --plan {plan}"))

    made = plans(gateway)[f"transaction-notifier-prod-{plan}"]
    assert made["throttle"] == throttle
    assert made.get("quota") == quota
    assert made["apiStages"] == [{"apiId": api, "stage": "prod"}]
    assert [held["value"] for held in gateway.get_usage_plan_keys(usagePlanId=made["id"])["items"]] == [key]
    assert gateway_keys(gateway) == {key: True}


def test_banks_of_one_plan_share_it(command: Command, gateway: Any) -> None:
    keys = {key_in(command(f"create --id {bank} --name B --currency EUR --plan trial")) for bank in ("a1", "b2")}

    (plan,) = plans(gateway).values()
    assert {held["value"] for held in gateway.get_usage_plan_keys(usagePlanId=plan["id"])["items"]} == keys


def test_an_id_that_is_taken_is_refused_and_its_bank_stays_as_it_is(command: Command, registered: Registry) -> None:
    key = key_in(command("create --id eazycard --name EAZYCard --currency XAF"))

    said = command.refused("create --id eazycard --name Other --currency EUR --plan trial")

    assert "eazycard" in said
    assert "`rotate`" in said
    assert registered.banks() == [BANK]
    assert gateway_keys(registered.gateway) == {key: True}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("create --id eazycard --name B --currency XYZ", "the currency XYZ: Must be an active ISO 4217 code"),
        ("create --id eazycard --name B --currency xaf", "the currency xaf: Must be in capital letters: XAF."),
        ("create --id eazycard --name B --currency EUR --plan gold", "'gold', only trial, standard, volume"),
        ("create --id EAZY --name B --currency EUR", "2 to 40 of a-z 0-9 and -"),
        ("create --id eazy#card --name B --currency EUR", "2 to 40 of a-z 0-9 and -"),
        ("create --id e --name B --currency EUR", "2 to 40 of a-z 0-9 and -"),
        ("rotate nobody", "no bank nobody"),
        ("disable nobody", "no bank nobody"),
        ("enable nobody", "no bank nobody"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line_and_leaves_nothing(
    command: Command, registered: Registry, line: str, says: str
) -> None:
    assert says in command.refused(line)
    assert registered.banks() == []
    assert gateway_keys(registered.gateway) == {}
    assert plans(registered.gateway) == {}


def test_a_stage_that_is_not_provisioned_is_refused_in_one_line(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert banks.main(["--stage", "dev", "list"]) == 1
    assert capsys.readouterr().err == "banks: There is no stack transaction-notifier-dev-data.\n"


def test_a_stage_without_an_api_is_refused_in_one_line_and_leaves_nothing(
    session: boto3.session.Session, capsys: pytest.CaptureFixture[str]
) -> None:
    assert banks.main(["--stage", "prod", "create", "--id", "b1", "--name", "B", "--currency", "EUR"]) == 1
    assert capsys.readouterr().err == "banks: stage prod has no API yet: deploy the app first.\n"
    assert registry(Stage("prod", session)).banks() == []
    assert gateway_keys(session.client("apigateway")) == {}


@pytest.mark.parametrize("hours", ["-1", "nan", "100000", "soon"])
def test_a_grace_that_is_no_sensible_time_is_refused(command: Command, registered: Registry, hours: str) -> None:
    key = key_in(command("create --id eazycard --name EAZYCard --currency XAF"))

    with pytest.raises(SystemExit):
        command(f"rotate eazycard --grace-hours {hours}")

    assert gateway_keys(registered.gateway) == {key: True}


def test_rotation_keeps_the_old_key_until_its_grace_is_over(command: Command, registered: Registry) -> None:
    old = key_in(command("create --id eazycard --name EAZYCard --currency XAF"))
    before = datetime.now(UTC)

    new = key_in(command("rotate eazycard --grace-hours 2"))

    after = datetime.now(UTC)
    ends = timedelta(hours=2)
    assert not refuses(registered, old, before + ends - timedelta(seconds=1))
    assert refuses(registered, old, after + ends + timedelta(seconds=1))
    assert not refuses(registered, new, after + timedelta(days=365))
    assert gateway_keys(registered.gateway) == {old: True, new: True}


def test_an_old_key_that_the_app_remembers_ends_with_its_grace_all_the_same(
    command: Command, registered: Registry
) -> None:
    old = key_in(command("create --id eazycard --name EAZYCard --currency XAF"))
    command("rotate eazycard --grace-hours 1")
    now = datetime.now(UTC) + timedelta(minutes=59, seconds=45)
    remembering = BankDirectory(registered.store, lambda: now)
    assert remembering.resolve(old) == BANK

    now += timedelta(seconds=30)

    with pytest.raises(UnknownApiKey):
        remembering.resolve(old)


def test_rotation_without_grace_takes_the_old_key_away_at_once(command: Command, registered: Registry) -> None:
    old = key_in(command("create --id eazycard --name EAZYCard --currency XAF"))

    new = key_in(command("rotate eazycard --grace-hours 0"))

    assert refuses(registered, old, datetime.now(UTC))
    assert gateway_keys(registered.gateway) == {new: True}
    assert [key.hash for key in registered.keys("eazycard")] == [hash_key(new)]


def test_a_second_rotation_does_not_lengthen_an_earlier_grace(command: Command, registered: Registry) -> None:
    first = key_in(command("create --id eazycard --name EAZYCard --currency XAF"))
    second = key_in(command("rotate eazycard --grace-hours 1"))

    command("rotate eazycard --grace-hours 48")

    in_two_hours = datetime.now(UTC) + timedelta(hours=2)
    assert refuses(registered, first, in_two_hours)
    assert not refuses(registered, second, in_two_hours)


def test_the_next_rotation_takes_a_key_whose_grace_is_over_out_of_the_gateway(
    command: Command, registered: Registry
) -> None:
    first = key_in(command("create --id eazycard --name EAZYCard --currency XAF"))
    second = key_in(command("rotate eazycard --grace-hours 0.0000001"))

    third = key_in(command("rotate eazycard"))

    assert set(gateway_keys(registered.gateway)) == {second, third}
    assert first not in gateway_keys(registered.gateway)


def test_rotating_one_bank_leaves_the_others_keys_alone(command: Command, registered: Registry) -> None:
    other = key_in(command("create --id other --name Other --currency EUR"))
    command("create --id eazycard --name EAZYCard --currency XAF")

    command("rotate eazycard --grace-hours 0")

    assert not refuses(registered, other, datetime.now(UTC))
    assert gateway_keys(registered.gateway)[other]


def test_a_disabled_banks_keys_are_refused_by_the_gateway_and_the_app_until_it_is_enabled(
    command: Command, registered: Registry
) -> None:
    keys = [key_in(command("create --id eazycard --name EAZYCard --currency XAF")), key_in(command("rotate eazycard"))]
    now = datetime.now(UTC)

    assert command("disable eazycard") == "eazycard is disabled.\n"
    assert [refuses(registered, key, now) for key in keys] == [True, True]
    assert gateway_keys(registered.gateway) == dict.fromkeys(keys, False)

    assert command("enable eazycard") == "eazycard is enabled.\n"
    assert [refuses(registered, key, now) for key in keys] == [False, False]
    assert gateway_keys(registered.gateway) == dict.fromkeys(keys, True)


def test_a_disabled_banks_new_key_is_disabled_too(command: Command, registered: Registry) -> None:
    command("create --id eazycard --name EAZYCard --currency XAF")
    command("disable eazycard")

    new = key_in(command("rotate eazycard --grace-hours 0"))

    assert gateway_keys(registered.gateway) == {new: False}
    assert refuses(registered, new, datetime.now(UTC))


def test_list_names_each_bank_with_its_currency_plan_and_state(command: Command) -> None:
    command("create --id zeta --name Zeta --currency EUR --plan trial")
    command("create --id alpha --name Alpha --currency XOF")
    command("disable zeta")

    command("sign alpha")

    assert command("list") == (
        "id\tname\tcurrency\tplan\tstate\tsigning\n"
        "alpha\tAlpha\tXOF\tstandard\tactive\tsigns\nzeta\tZeta\tEUR\ttrial\tdisabled\tdoes not sign\n"
    )


def secret_in(printed: str) -> str:
    (secret,) = re.findall(r"whsec_[A-Za-z0-9+/]{43}=", printed)
    return str(secret)


def test_list_and_show_print_json_for_programs(command: Command) -> None:
    assert json.loads(command("list --json")) == []
    old = key_in(command("create --id zeta --name Zêta --currency EUR --plan trial"))
    command("rotate zeta --grace-hours 2")
    (listed,) = json.loads(command("list --json"))
    assert listed == {
        "id": "zeta",
        "name": "Zêta",
        "currency": "EUR",
        "plan": "trial",
        "state": "active",
        "signing": "does not sign",
    }
    shown = json.loads(command("show zeta --json"))
    assert shown.items() >= listed.items()
    assert (shown["webhook_url"], shown["has_webhook_secret"]) == (None, False)
    assert shown["webhooks"] == {}
    assert shown["today"]["emails"] == {"used": 0, "limit": 2_000}
    ends = {key["hash"]: key["valid_until"] for key in shown["keys"]}
    assert len(ends) == 2
    assert datetime.fromisoformat(ends[hash_key(old)[:8]]) > datetime.now(UTC)
    assert old not in command("show zeta")
    assert "without an end" in command("show zeta")
    assert "there is no bank alpha." in command.refused("show alpha")


def plans_of(gateway: Any) -> dict[str, set[str]]:
    """Return the ids of the keys on each usage plan."""
    plans = gateway.get_usage_plans()["items"]
    return {
        plan["name"]: {key["id"] for key in gateway.get_usage_plan_keys(usagePlanId=plan["id"])["items"]}
        for plan in plans
    }


def test_plan_puts_all_keys_of_the_bank_and_no_other_on_another_plan(
    command: Command, gateway: Any, registered: Registry
) -> None:
    command("create --id zeta --name Zeta --currency EUR --plan trial")
    command("create --id alpha --name Alpha --currency EUR --plan trial")
    command("rotate zeta --grace-hours 2")
    of_zeta, of_alpha = ({key.gateway_key_id for key in registered.keys(bank)} for bank in ("zeta", "alpha"))
    for _ in range(2):  # the second time, nothing is left to do
        assert command("plan zeta volume") == "zeta is on the plan volume.\n"
        found = plans_of(gateway)
        assert (found[f"{PROJECT}-prod-volume"], found[f"{PROJECT}-prod-trial"]) == (of_zeta, of_alpha)
        assert registered.bank("zeta").plan == "volume"


def test_e_mails_alone_are_limited_and_the_limit_is_shown_and_lifted(command: Command, registered: Registry) -> None:
    command("create --id zeta --name Zeta --currency EUR --plan standard")
    assert command("emails zeta --per-day 2000") == (
        "Within a minute, the e-mails of zeta are limited: at most 2000 a day.\n"
    )
    assert registered.bank("zeta").emails_per_day == 2000
    assert registered.bank("zeta").plan == "standard"
    shown = json.loads(command("show zeta --json"))
    assert (shown["emails_per_day"], shown["today"]["emails"]["limit"]) == (2000, 2000)
    assert shown["today"]["transactions"]["limit"] == 5_000_000
    command("emails zeta --as-planned")
    shown = json.loads(command("show zeta --json"))
    assert (shown["emails_per_day"], shown["today"]["emails"]["limit"]) == (None, 5_000_000)


def test_a_limit_that_limits_nothing_is_refused(command: Command) -> None:
    command("create --id zeta --name Zeta --currency EUR --plan trial")
    assert command.refused("emails zeta --per-day 2000") == (
        "banks: the plan trial allows 2000 e-mails a day: a limit of its own must be lower.\n"
    )
    for mistyped in ("emails zeta", "emails zeta --per-day 0", "emails zeta --per-day 5 --as-planned"):
        with pytest.raises(SystemExit) as ended:
            command(mistyped)
        assert ended.value.code == 2


def test_plan_does_the_rest_of_a_change_that_was_interrupted(
    command: Command, gateway: Any, registered: Registry
) -> None:
    command("create --id zeta --name Zeta --currency EUR --plan trial")
    command("rotate zeta --grace-hours 2")
    first, second = (key.gateway_key_id for key in registered.keys("zeta"))
    put_on_plan(gateway, "prod", first, "volume")
    trial = next(plan["id"] for plan in gateway.get_usage_plans()["items"] if plan["name"].endswith("trial"))
    gateway.delete_usage_plan_key(usagePlanId=trial, keyId=second)
    command("plan zeta volume")
    assert plans_of(gateway)[f"{PROJECT}-prod-volume"] == {first, second}


def stored_secrets(session: boto3.session.Session, registered: Registry, now: datetime) -> list[str]:
    """Return the secrets that the app would take from the bank at this time."""
    arn = registered.bank("eazycard").signing_secret_arn
    assert arn is not None
    stored = session.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
    return list(valid_secrets(stored, now))


def test_a_bank_that_is_given_a_signing_secret_must_sign_with_it(
    command: Command, registered: Registry, session: boto3.session.Session
) -> None:
    command("create --id eazycard --name EAZYCard --currency XAF")
    assert registered.bank("eazycard").signing_secret_arn is None

    printed = command("sign eazycard")

    assert "must be signed" in printed
    assert stored_secrets(session, registered, datetime.now(UTC)) == [secret_in(printed)]
    arn = registered.bank("eazycard").signing_secret_arn
    assert arn is not None
    assert ":secret:transaction-notifier-prod-signing-eazycard" in arn


def test_a_signing_secret_is_rotated_with_a_grace_and_without(
    command: Command, registered: Registry, session: boto3.session.Session
) -> None:
    command("create --id eazycard --name EAZYCard --currency XAF")
    first = secret_in(command("sign eazycard"))
    second = secret_in(command("sign eazycard --grace-hours 2"))
    now = datetime.now(UTC)

    assert stored_secrets(session, registered, now) == [second, first]
    assert stored_secrets(session, registered, now + timedelta(hours=2, seconds=1)) == [second]

    third = secret_in(command("sign eazycard"))
    assert stored_secrets(session, registered, now) == [third, second, first]
    # Rotating again, say because the output was lost, neither cuts a bank off nor lengthens an earlier grace.
    assert stored_secrets(session, registered, now + timedelta(hours=3)) == [third, second]
    fourth = secret_in(command("sign eazycard --grace-hours 0"))
    assert stored_secrets(session, registered, now) == [fourth]


def test_a_bank_may_stop_signing_and_begin_again(
    command: Command, registered: Registry, session: boto3.session.Session
) -> None:
    command("create --id eazycard --name EAZYCard --currency XAF")
    first = secret_in(command("sign eazycard"))

    assert "need not sign" in command("unsign eazycard")
    assert registered.bank("eazycard").signing_secret_arn is None
    second = secret_in(command("sign eazycard"))
    assert stored_secrets(session, registered, datetime.now(UTC)) == [second]
    assert second != first


def test_neither_signing_nor_disabling_undoes_what_another_operator_has_done_meanwhile(
    command: Command, registered: Registry
) -> None:
    command("create --id eazycard --name EAZYCard --currency XAF")
    stale = registered.bank("eazycard")
    command("disable eazycard")
    registered.store.change_bank(stale.id, signing_secret_arn="arn")
    assert registered.bank("eazycard").disabled
    command("enable eazycard")
    assert registered.bank("eazycard").signing_secret_arn == "arn"


def test_a_bank_that_is_unknown_can_not_sign(command: Command) -> None:
    assert (
        command.refused("sign nobody")
        == "banks: there is no bank nobody. `python -m operations.banks list` shows those that there are.\n"
    )
    assert (
        command.refused("unsign nobody")
        == "banks: there is no bank nobody. `python -m operations.banks list` shows those that there are.\n"
    )


def test_plans_move_to_the_api_that_a_deployment_made_anew(
    command: Command, gateway: Any, session: boto3.session.Session
) -> None:
    command("create --id a1 --name B --currency EUR --plan trial")
    command("create --id b2 --name B --currency EUR --plan volume")
    deploy_data_stack(session, "dev", mail_from="alerts@example.com", poll_s=0.01)
    assert banks.main(["--stage", "dev", "create", "--id", "a1", "--name", "B", "--currency", "EUR"]) == 0
    of_dev = plans(gateway)["transaction-notifier-dev-standard"]["apiStages"]
    new_api = deploy_api(gateway, PROJECT, "prod")

    for _ in range(2):
        attach_plans(gateway, "prod", new_api)

        moved = {name: plan["apiStages"] for name, plan in plans(gateway).items()}
        assert moved == {
            "transaction-notifier-prod-trial": [{"apiId": new_api, "stage": "prod"}],
            "transaction-notifier-prod-volume": [{"apiId": new_api, "stage": "prod"}],
            "transaction-notifier-dev-standard": of_dev,
        }


def test_a_bank_s_sender_has_its_name_and_the_stage_s_address_until_it_is_set(registered: Registry) -> None:
    registered.create(Bank("b1", "Banque Atlantique, Cameroun", "XAF", "standard"))
    assert registered.set_sender("b1", None, None) == '"Banque Atlantique, Cameroun" <alerts@example.com>'
    assert registered.set_sender("b1", "Atlantique", "b1@mail.example.com") == "Atlantique <b1@mail.example.com>"
    bank = registered.bank("b1")
    assert (bank.sender_name, bank.sender_address) == ("Atlantique", "b1@mail.example.com")
    registered.set_sender("b1", None, None)
    assert (registered.bank("b1").sender_name, registered.bank("b1").sender_address) == (None, None)


@pytest.mark.parametrize(
    ("name", "address", "why"),
    [
        (None, "alerts", "no address in ASCII"),
        (None, "A <alerts@example.com>", "the address stands alone"),
        ("A\nBcc: b@example.com", None, "on one line"),
        (" ", None, "1 to 140 characters"),
    ],
)
def test_a_sender_that_the_stage_cannot_send_from_is_refused(
    registered: Registry, name: str | None, address: str | None, why: str
) -> None:
    registered.create(Bank("b1", "Bank", "XAF", "standard"))
    with pytest.raises(BankRefused, match=why):
        registered.set_sender("b1", name, address)
    assert registered.bank("b1").sender_address is None


@pytest.mark.parametrize("address", ["alerts@other.example", "alerts@badexample.com"])
def test_an_address_of_another_domain_is_refused_until_ses_has_verified_it_for_the_bank(
    registered: Registry, address: str
) -> None:
    registered.create(Bank("b1", "Bank", "XAF", "standard"))
    with pytest.raises(IdentityRefused, match="no identity"):
        registered.set_sender("b1", None, address)
    assert registered.bank("b1").sender_address is None


def test_the_sender_command_makes_an_identity_tells_its_records_and_uses_it_once_it_is_verified(
    registered: Registry, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ses = FakeSes()  # moto's can't be verified
    registered.create(Bank("b1", "Bank", "XAF", "standard"))
    monkeypatch.setattr(
        banks,
        "registry",
        lambda stage: dataclasses.replace(registered, identities=SenderIdentities(ses, "prod", "us-east-2")),
    )
    line = ["--stage", "prod", "sender", "b1", "--address", "Alerts@other.example"]

    assert banks.main([*line, "--bounce-domain", "bounce.other.example"]) == 1
    said = capsys.readouterr()
    assert "t1._domainkey.other.example CNAME t1.dkim.amazonses.com" in said.out
    assert "bounce.other.example MX 10 feedback-smtp.us-east-2.amazonses.com" in said.out
    assert "not verified other.example yet, so nothing was changed" in said.err
    assert registered.bank("b1").sender_address is None

    ses.verify("other.example")
    assert banks.main(line) == 0
    assert capsys.readouterr().out == "Within a minute, the e-mails of b1 come from: Bank <Alerts@other.example>\n"
    assert registered.bank("b1").sender_address == "Alerts@other.example"


def test_a_bounce_domain_is_refused_for_an_address_of_the_stage(command: Command, registered: Registry) -> None:
    registered.create(Bank("b1", "Bank", "XAF", "standard"))
    line = "sender b1 --address b1@example.com --bounce-domain bounce.example.com"
    assert "for an address of the bank's own domain" in command.refused(line)


def test_the_sender_command_prints_the_header_and_what_ses_needs(
    registered: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    registered.create(Bank("b1", "Crédit; Lyonnais", "XAF", "standard"))
    assert banks.main(["--stage", "prod", "sender", "b1"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert (
        line == "Within a minute, the e-mails of b1 come from: =?utf-8?q?Cr=C3=A9dit=3B_Lyonnais?= <alerts@example.com>"
    )
    assert banks.main(["--stage", "prod", "sender", "b1", "--name", "A, B", "--address", "b1@example.com"]) == 0
    said, needed = capsys.readouterr().out.splitlines()
    assert said.endswith(': "A, B" <b1@example.com>')
    assert "SES does not send from it yet" in needed
