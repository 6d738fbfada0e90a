"""The page at a link in a security alert: asks whether a transaction was the holder's, and records the answer.

There is a link for each of the two answers. A `GET` answers nothing, because mail programs and scanners open links: the
page has one button, which sends the answer.
"""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple
from urllib.parse import unquote

from chalice.app import Request, Response

from chalicelib.api import alert_html as html
from chalicelib.api.form_body import form_fields
from chalicelib.api.holder_pages import busy, page, whose
from chalicelib.api.requests import author_by_link
from chalicelib.audit.trail import Trail
from chalicelib.aws.telemetry import count, logger
from chalicelib.banks.bank import Bank, BankDirectory
from chalicelib.errors import TemporarilyUnavailable, TransactionNotFound
from chalicelib.flags.answers import Answer, AnswerIsFinal, HolderAnswer
from chalicelib.flags.repository import FlagRepository, NotFlagged
from chalicelib.holders.holder import Holder
from chalicelib.holders.links import HolderLinks, InvalidLink, Purpose
from chalicelib.holders.repository import HolderRepository
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.ledger.transaction import Transaction

# The answer by the link's button.
_ANSWERS = {"was_me": Answer.RECOGNIZED, "was_not_me": Answer.NOT_RECOGNIZED}


class Visit(NamedTuple):
    """The answer that the opened link is for, and whom and what it is about, as they are now."""

    answer: Answer
    holder: Holder
    bank: Bank
    transaction: Transaction


class AlertPage:
    """Answers the page at a link in a security alert."""

    def __init__(
        self,
        links: HolderLinks,
        banks: BankDirectory,
        holders: HolderRepository,
        transactions: TransactionRepository,
        flags: FlagRepository,
        trail: Trail,
        clock: Callable[[], datetime],
    ) -> None:
        self._links = links
        self._banks = banks
        self._holders = holders
        self._transactions = transactions
        self._flags = flags
        self._trail = trail
        self._clock = clock

    def show(self, token: str) -> Response:
        """Answer `GET /alerts/{token}`: the question with one button, or the answer that was given. Changes nothing."""
        return self._answered(token, None)

    def submit(self, token: str, request: Request) -> Response:
        """Answer `POST /alerts/{token}`: records the answer that the page's button sends."""
        return self._answered(token, request)

    def _answered(self, token: str, request: Request | None) -> Response:
        try:
            visit = self._visit(token)
            if request is not None and form_fields(request).get("answer") == [str(visit.answer)]:
                return self._record(visit, request)
            return self._ask(visit)
        except (InvalidLink, NotFlagged, TransactionNotFound):
            return page(html.invalid_page(), 400)
        except TemporarilyUnavailable as error:
            return busy(error)

    def _visit(self, token: str) -> Visit:
        """Return the visit of a link; raises InvalidLink, also if the holder is gone or has another address."""
        bearer = self._links.read(unquote(token), (Purpose.ANSWER,))
        transaction_id, button = bearer.about
        if button not in _ANSWERS:
            raise InvalidLink
        holder, bank = whose(bearer, self._banks, self._holders)
        return Visit(_ANSWERS[button], holder, bank, self._transactions.get(bearer.bank, transaction_id))

    def _ask(self, visit: Visit) -> Response:
        """Return the question; or, if the holder has answered, the page about that answer."""
        given = self._given_by(visit)
        if given is None:
            return page(html.question_page(visit.answer, visit.transaction, visit.holder, visit.bank))
        return self._given(visit, given)

    def _given_by(self, visit: Visit) -> HolderAnswer | None:
        """Return the holder's answer, None if there is none. Raises NotFlagged."""
        flags, answers = self._flags.with_answers(visit.transaction.bank, visit.transaction.id)
        if not flags:
            raise NotFlagged
        return next((one for one in answers if one.holder == visit.holder.id), None)

    def _given(self, visit: Visit, given: HolderAnswer) -> Response:
        asked, now = visit.answer, self._clock()
        return page(html.answered_page(given, visit.transaction, visit.holder, visit.bank, asked, now))

    def _record(self, visit: Visit, request: Request) -> Response:
        transaction = visit.transaction
        before = self._given_by(visit)
        if before is None or before.answer != visit.answer:
            who = (transaction.account, visit.holder.id)
            author = author_by_link(request, self._trail.holder(transaction.bank, *who))
            self._trail.by(author, transaction.bank).of_holder("alert.answer", *who, ("answer",))
        try:
            given = self._flags.answer(transaction.bank, transaction.id, visit.holder.id, visit.answer, self._clock())
        except AnswerIsFinal as error:
            return self._given(visit, error.given)
        logger.info("alert_answered", extra={"bank": transaction.bank, "answer": str(given.answer)})
        count(f"AlertsAnswered_{given.answer}")
        return self._given(visit, given)
