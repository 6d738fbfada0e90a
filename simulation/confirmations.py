"""Holders who confirm their addresses, where the bank wants it: at the link of the one e-mail that asks them to."""

from collections import defaultdict
from datetime import datetime
from typing import Any

from chalicelib.holders.address import Address
from simulation.holders import Enrolled, Holders
from simulation.requests import form
from simulation.services import SentEmail
from simulation.stage import Stage

ASKED = "confirm_address@"  # what stands in the place of a transaction's id
_TRIES = 60  # at a page that is busy


class Confirmations:
    """Which addresses were confirmed, by bank and address: `pressed` when the button was first, `taken` when the page
    said so."""

    def __init__(self, stage: Stage, holders: Holders) -> None:
        self.pressed: dict[tuple[str, str], datetime] = {}
        self.taken: dict[tuple[str, str], datetime] = {}
        self.asked: dict[tuple[str, str], set[int]] = defaultdict(set)  # the calls of SES that brought the e-mails
        self._stage = stage
        self._holders = holders
        self._chance = stage.scheduler.random
        stage.ses.readers.append(self._read)

    def may_get(self, holder: Enrolled, email: SentEmail) -> bool:
        """Return whether the holder may get this e-mail now."""
        is_free = not holder.must_confirm or email.transaction.startswith(ASKED)
        return is_free or (holder.bank, email.to) in self.pressed

    def _read(self, email: SentEmail) -> None:
        """Let the holder press the button, once or twice, soon, later or never."""
        holder = self._holders.named(email.bank, email.holder)
        if holder is None or not email.transaction.startswith(ASKED):
            return
        self.asked[email.bank, email.to].add(email.call)
        if email.to.startswith("bounce") or self._chance.random() < 0.2:
            return
        after_s = self._chance.choice((1.0, 30.0, 600.0))
        for click_s in self._chance.choice(((0.0,), (0.0, 0.05))):
            self._stage.scheduler.after(after_s + click_s, lambda: self._press(holder, email.to))
        if self._chance.random() < 0.6:  # the bank has another address, just then
            self._holders.move(holder, after_s + self._chance.uniform(-0.1, 0.2))

    def _press(self, holder: Enrolled, address: str, tries: int = 0) -> None:
        link = self._stage.own.links.confirmation_link(Address.of(holder.bank, address))
        token = str(link).rpartition("/")[2]
        self.pressed.setdefault((holder.bank, address), self._stage.scheduler.now)

        def answered(result: Any, error: Any) -> None:
            status = result["statusCode"] if error is None else 502
            if status == 200:
                self.taken.setdefault((holder.bank, address), self._stage.scheduler.now)
            elif status >= 500 and tries < _TRIES:
                wait_s = self._chance.uniform(0.5, 10)
                self._stage.scheduler.after(wait_s, lambda: self._press(holder, address, tries + 1))
            elif status < 500 and (status != 400 or address == holder.emails[-1]):  # nobody has an old one any more
                raise AssertionError(f"answered {status}: {result and result['body']}")

        sent = form("/addresses/{token}", {"confirm": "address"}, {"token": token})
        self._stage.invoke("api_handler", sent, answered)
