"""Holders' answers to security alerts: at the links of their e-mails, once, twice, or another one soon after."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from simulation.holders import Enrolled, Holders
from simulation.requests import form
from simulation.services import SentEmail
from simulation.stage import Stage

_TRIES = 60  # at a page that is busy
_FIELDS = {"was_me": "recognized", "was_not_me": "not_recognized"}


@dataclass(slots=True)
class Pressed:
    """Which answers a holder has sent about a transaction, and which of these the page has taken."""

    sent: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)


class Answers:
    """All answers of a run, by bank, transaction and the holder's id."""

    def __init__(self, stage: Stage, holders: Holders) -> None:
        self.pressed: dict[tuple[str, str, str], Pressed] = defaultdict(Pressed)
        self._stage = stage
        self._holders = holders
        self._chance = stage.scheduler.random
        stage.ses.readers.append(self._read)

    def _read(self, email: SentEmail) -> None:
        """Let the holder of an alert's e-mail answer it, or not."""
        row = self._stage.dynamodb.item("TransactionsTable", f"{email.bank}#{email.transaction}#flags")
        holder = self._holders.named(email.bank, email.holder)
        if row is None or holder is None or email.to.startswith("bounce") or self._chance.random() < 0.4:
            return
        button = self._chance.choice(list(_FIELDS))
        after_s = self._chance.choice((1.0, 30.0, 600.0))
        self._stage.scheduler.after(after_s, lambda: self._press(holder, email.transaction, button))
        if self._chance.random() < 0.3:  # twice at once, or another answer soon after, maybe with a double click
            again = self._chance.choice(list(_FIELDS))
            after_s += self._chance.choice((0.0, 0.05, 20.0))
            for click_s in self._chance.choice(((0.0,), (0.0, 0.05))):
                self._stage.scheduler.after(after_s + click_s, lambda: self._press(holder, email.transaction, again))

    def _press(self, holder: Enrolled, transaction: str, button: str, tries: int = 0) -> None:
        stored = self._holders.stored(holder)
        links = self._stage.own.links.links_for(holder.bank, holder.account, stored, [transaction])
        token = getattr(links.answers[transaction], button).rpartition("/")[2]
        pressed = self.pressed[holder.bank, transaction, holder.id]
        pressed.sent.append(_FIELDS[button])

        def answered(result: Any, error: Any) -> None:
            status = result["statusCode"] if error is None else 502
            if status == 200:
                pressed.taken.append(_FIELDS[button])
            elif status >= 500 and tries < _TRIES:
                wait_s = self._chance.uniform(0.5, 10)
                self._stage.scheduler.after(wait_s, lambda: self._press(holder, transaction, button, tries + 1))
            elif status < 500 and (status != 400 or len(holder.emails) == 1):  # links to an old address open nothing
                raise AssertionError(f"answered {status}: {result and result['body']}")

        sent = form("/alerts/{token}", {"answer": _FIELDS[button]}, {"token": token})
        self._stage.invoke("api_handler", sent, answered)
