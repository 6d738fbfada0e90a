"""The demo on the local cloud: a bank, its account holders, its transactions, and the time of each e-mail."""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import urllib3

from bank_simulator.bank_api import Target
from bank_simulator.postings import NEW, Posting, to_bytes
from chalicelib.aws.dynamo import batch_get, to_item
from chalicelib.banks.bank import Bank
from chalicelib.holders.repository import HolderRepository
from chalicelib.notifications.digest import DigestKind
from chalicelib.notifications.ordering import AUTHORIZATION_FIRST
from chalicelib.notifications.sent_together import SentTogether
from chalicelib.notifications.state import NotificationKey
from local_cloud.deploy import Deployed
from local_cloud.server import CloudFailed
from operations.bank_registry import registry

# A default currency with decimals: the amount of the smallest transaction, 250.50, must be valid without a currency.
BANK = Bank(id="eazycard", name="EAZYCard", default_currency="EUR", plan="volume")

_PEOPLE = (
    ("Awa Ndiaye", "fr", "Africa/Dakar"),
    ("Jean-Paul Mbarga", "fr", "Africa/Douala"),
    ("Grace Tanyi", "en", "Africa/Douala"),
    ("Aïssatou Diallo", "fr", "Africa/Abidjan"),
    ("Emma Laurent", "fr", "Europe/Paris"),
    ("John Mensah", "en", "Africa/Accra"),
)


def ensure_bank(deployed: Deployed, known_key: str | None) -> str:
    """Return an API key of the demo bank: the key of an earlier run if it still works, or a new key."""
    banks = registry(deployed.stage)
    if banks.store.bank(BANK.id) is None:
        return banks.create(BANK)
    if known_key and _get(deployed.api_url, known_key, "/accounts/A123/holders").status == 200:
        return known_key
    return banks.rotate(BANK.id, grace=timedelta(0))


def enrol_holders(deployed: Deployed, api_key: str, accounts: Sequence[str]) -> dict[str, list[str]]:
    """Enrol a holder for every account, and a second holder for the first account; return their ids by account."""
    enrolled: dict[str, list[str]] = {}
    people = [(account, "main", *_PEOPLE[index % len(_PEOPLE)]) for index, account in enumerate(accounts)]
    people.append((accounts[0], "partner", "Grace Tanyi", "en", "Europe/London"))
    for account, holder_id, name, locale, timezone in people:
        body = {
            "name": name,
            "email": f"{account.lower()}.{holder_id}@example.com",
            "locale": locale,
            "timezone": timezone,
        }
        answer = urllib3.request(
            "PUT",
            f"{deployed.api_url}/accounts/{account}/holders/{holder_id}",
            body=json.dumps(body),
            headers={"x-api-key": api_key, "content-type": "application/json"},
            timeout=30,
        )
        if answer.status not in (200, 201):
            raise CloudFailed(f"Enrolling a holder of {account} was answered {answer.status}.")
        enrolled.setdefault(account, []).append(holder_id)
    return enrolled


def notified_as(deployed: Deployed, holders: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return what notifications name the holders of each account, whose ids are given."""
    client = deployed.cloud.session().client("dynamodb")
    repository = HolderRepository(client, deployed.environment["ACCOUNTS_TABLE"])
    of_accounts = {account: repository.of_account(BANK.id, account) for account in holders}
    return {
        account: [one.notified_as for one in of_accounts[account] if one.id in ids] for account, ids in holders.items()
    }


# Why an e-mail is held back: alerts of a minute are one e-mail, and what follows one of them waits for it.
_WAITING = (DigestKind.ALERTS, AUTHORIZATION_FIRST)


def sent_times(
    deployed: Deployed, expected: Iterable[tuple[str, str]], timeout_s: float, progress: Any = None
) -> tuple[dict[tuple[str, str], datetime], set[tuple[str, str]]]:
    """Return when SES accepted the e-mail of each expected pair of transaction id and holder, and the skipped pairs.

    The times are the mailer's. A settlement of the authorized amount is skipped. Waits until all pairs are known or
    `timeout_s` is over; pairs that are missing then are left out. The progress bar says if only those are missing that
    wait for others.
    """
    client = deployed.cloud.session().client("dynamodb")
    table = deployed.environment["NOTIFICATIONS_TABLE"]
    missing = set(expected)
    found: dict[tuple[str, str], datetime] = {}
    skipped: set[tuple[str, str]] = set()
    is_said = False
    deadline = time.monotonic() + timeout_s
    while missing and time.monotonic() < deadline:
        keys = [to_item(NotificationKey(BANK.id, id_, holder).item_key()) for id_, holder in missing]
        notes = {NotificationKey.of_item(stored): stored for stored in batch_get(client, table, keys)}
        waiting = [note for note in notes.values() if note.get("reason") in _WAITING]
        if progress is not None and not is_said and waiting and len(waiting) == len(missing):
            is_said = True
            progress.set_postfix_str("the last are told together with others, within two minutes")
        for key, stored in SentTogether(client, table).completed(notes).items():
            if stored["state"] in ("sent", "skipped"):
                pair = key.transaction, key.holder
                if stored["state"] == "sent":
                    found[pair] = datetime.fromisoformat(stored["updated_at"])
                else:
                    skipped.add(pair)
                missing.discard(pair)
                if progress is not None:
                    progress.update()
        if missing:
            time.sleep(0.25)
    return found, skipped


def suspicious(now: datetime, account: str) -> Posting:
    """Return a transaction that the bank's default settings flag."""
    transaction_id = f"suspicious-{now:%Y%m%dT%H%M%S.%f}"
    body = {
        "id": transaction_id,
        "account": account,
        "amount": "2450000",
        "currency": "XAF",
        "type": "debit",
        "timestamp": now.isoformat(),
        "merchant": {"name": "Joalheria do Porto", "mcc": "5944", "city": "Santos", "country": "BR"},
    }
    return Posting(to_bytes(body), transaction_id, account, NEW)


def flags_of(bank: Target, transaction_id: str) -> list[str]:
    """Return the names of a transaction's flags."""
    return sorted(_answered(bank, f"/transactions/{transaction_id}")["flags"])


def _answered(bank: Target, path: str) -> Any:
    answer = _get(bank.url, bank.api_key, path)
    if answer.status != 200:
        raise CloudFailed(f"GET {path} was answered {answer.status}.")
    return answer.json()


def mails_accepted(deployed: Deployed) -> int:
    """Return how many e-mails the local cloud's SES has accepted since it was started."""
    url = f"{deployed.cloud.endpoint_url}/_ministack/ses/messages"
    answer = urllib3.request("GET", url, headers=deployed.cloud.keys.headers, timeout=30)
    messages: Mapping[str, Sequence[Any]] = answer.json()["messages"]
    return sum(len(of_account) for of_account in messages.values())


def _get(api_url: str, api_key: str, path: str) -> urllib3.BaseHTTPResponse:
    return urllib3.request("GET", f"{api_url}{path}", headers={"x-api-key": api_key}, timeout=30)
