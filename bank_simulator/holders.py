"""The simulated account holders, whom the bank enrols: they answer the alerts that come to an inbox, as people would.

How many answer, and how often they are mistaken, is made up: there is no public figure.
"""

import dataclasses
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from random import Random
from typing import Any
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from bank_simulator.bank_api import BankApi
from bank_simulator.progress import Progress

MAX_HOLDERS = 1_000
DENIES, RECOGNIZES, SILENT = "not_recognized", "recognized", "silent"
# Of a hundred holders who get an alert, so many give each answer, by whether it is about fraud.
SHARES = {True: {DENIES: 75, RECOGNIZES: 3, SILENT: 22}, False: {DENIES: 2, RECOGNIZES: 55, SILENT: 43}}
QUIET_S = 30.0  # when no alert has come for so long, none is waited for any more
_LOOK_EVERY_S = 2.0
_LOOKS_FOR_S = 900.0
_PEOPLE = ("Awa Ndiaye", "Paul Mbarga", "Grace Tanyi", "Moussa Diallo", "Emma Laurent", "John Mensah")
_LINK = re.compile(r"https?://\S+/alerts/\S+")
_BUTTON = re.compile(r'name="answer" value="(recognized|not_recognized)"')
_TIMEOUT = urllib3.Timeout(connect=5, read=35)


class CannotEnrol(Exception):
    """A holder was not enrolled; the message says with which answer."""


class CannotAnswer(Exception):
    """The inbox or the page of an alert can't be read; the message says which."""


@dataclasses.dataclass(slots=True)
class Answers:
    """What the holders answered. `of_fraud` and `of_others` count alerts by answer, `silent` among them."""

    planted: int
    of_fraud: Counter[str] = dataclasses.field(default_factory=Counter)
    of_others: Counter[str] = dataclasses.field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        """Return the counts as JSON values."""
        counted = {"alerts_of_fraud": self.of_fraud, "alerts_of_others": self.of_others}
        kinds = (DENIES, RECOGNIZES, SILENT)
        return {"planted": self.planted} | {
            name: {kind: counts[kind] for kind in kinds} for name, counts in counted.items()
        }

    def as_text(self) -> str:
        """Return the counts as a few lines for people."""
        title = f"{'':<22}{'alerts':>8}{'not me':>8}{'it was me':>11}{'no answer':>11}"
        rows = [
            f"  {name:<20}{counts.total():>8}{counts[DENIES]:>8}{counts[RECOGNIZES]:>11}{counts[SILENT]:>11}"
            for name, counts in (("about planted fraud", self.of_fraud), ("about others", self.of_others))
        ]
        return "\n".join([f"Planted {self.planted} fraudulent transactions. The holders' answers:", title, *rows])


def accounts_of(number: int) -> tuple[str, ...]:
    """Return the accounts of so many simulated holders, the same ones in every run."""
    return tuple(f"S{one:04d}" for one in range(1, number + 1))


def enrol(api: BankApi, accounts: Sequence[str]) -> None:
    """Enrol a holder in each account, who gets security alerts only; raises CannotEnrol."""
    for index, account in enumerate(accounts):
        body = {
            "name": _PEOPLE[index % len(_PEOPLE)],
            "email": f"{account.lower()}@holders.example",
            "locale": "en",
            "preferences": {"muted": True},
        }
        put_holder(api, account, "main", body)


def put_holder(api: BankApi, account: str, holder: str, body: Mapping[str, Any]) -> None:
    """Enrol or replace one holder; raises CannotEnrol."""
    reply = api.request("PUT", f"/accounts/{account}/holders/{holder}", json.dumps(body).encode())
    if reply.answer.status not in (200, 201):
        raise CannotEnrol(f"Enrolling a holder of {account} was answered {reply.answer}.")


def answer_of(seed: int, transaction_id: str, *, is_fraud: bool) -> str:
    """Return what the holder does about an alert: the same for the same seed and transaction, in whatever order."""
    shares = SHARES[is_fraud]
    return Random(f"{seed}:{transaction_id}").choices(tuple(shares), tuple(shares.values()))[0]


def answer_alerts(
    inbox_url: str,
    api_url: str,
    id_prefix: str,
    planted: Collection[str],
    *,
    seed: int,
    progress: Progress,
    stop: threading.Event,
    quiet_s: float,
) -> Answers:
    """Answer each alert about one of the run's transactions in the inbox, until none has come for `quiet_s`.

    An e-mail that tells of several transactions is not answered. Raises CannotAnswer.
    """
    answers = Answers(len(planted))
    answered: set[str] = set()
    with urllib3.PoolManager(timeout=_TIMEOUT, retries=False) as pool:
        began = last = time.monotonic()
        while not stop.is_set() and (now := time.monotonic()) - last < quiet_s and now - began < _LOOKS_FOR_S:
            for transaction_id, links in _alerts(pool, inbox_url, api_url, f"{id_prefix}."):
                if transaction_id in answered or stop.is_set():
                    continue
                answered.add(transaction_id)
                is_fraud = transaction_id in planted
                answer = answer_of(seed, transaction_id, is_fraud=is_fraud)
                if answer != SILENT:
                    _press(pool, links, answer)
                (answers.of_fraud if is_fraud else answers.of_others)[answer] += 1
                progress.update()
                last = time.monotonic()
            stop.wait(min(_LOOK_EVERY_S, quiet_s))
    return answers


def _alerts(pool: urllib3.PoolManager, inbox_url: str, api_url: str, prefix: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the transaction and the links of each alert in the inbox."""
    for message in json.loads(_read(pool, "GET", f"{inbox_url.rstrip('/')}/messages.json"))["messages"]:
        transaction_id = message["tags"].get("transaction", "")
        # E-mails count as hostile: only the API's own links are opened.
        links = [link for link in _LINK.findall(message["text"]) if _host_of(link) == _host_of(api_url)]
        if links and transaction_id.startswith(prefix):
            yield transaction_id, links


def _press(pool: urllib3.PoolManager, links: Sequence[str], answer: str) -> None:
    """Open the alert's links until one has the button for this answer, and press it."""
    for link in links:
        found = _BUTTON.search(_read(pool, "GET", link).decode())
        if found and found[1] == answer:
            _read(pool, "POST", link, f"answer={answer}".encode())
            return
    raise CannotAnswer(f"No link of an alert has a button for {answer}.")


def _read(pool: urllib3.PoolManager, method: str, url: str, body: bytes | None = None) -> bytes:
    headers = {"content-type": "application/x-www-form-urlencoded"} if body else {}
    where = f"{method} {urlsplit(url).netloc}"  # a link is the holder's alone
    try:
        response = pool.request(method, url, body=body, headers=headers)
    except HTTPError as error:
        raise CannotAnswer(f"{where} was not answered.") from error
    if response.status != 200:
        raise CannotAnswer(f"{where} was answered {response.status}.")
    return response.data


def _host_of(url: str) -> str:
    return urlsplit(url).netloc
