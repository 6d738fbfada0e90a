"""What is promised of holders' answers: one that was taken is stored, and the bank and its staff hear of it."""

import json
from collections.abc import Iterator

from simulation.rest import Rest
from simulation.tables import value_at


class AnswerPromises:
    """The promises of answers, looked at when everything has come to rest."""

    def __init__(self, rest: Rest) -> None:
        self._rest, self._stage = rest, rest.stage

    def broken(self) -> Iterator[str]:
        """Yield the promises that are broken."""
        told = {
            (detail["bank"], detail["transaction"], detail["holder"], detail["answer"])
            for event in self._stage.events.events
            if event["DetailType"] == "AlertAnswered"
            for detail in [json.loads(event["Detail"])]
        }
        heard = {
            (one["data"]["transaction"], one["data"]["holder"], one["data"]["answer"])
            for one in self._stage.endpoint.heard.values()
            if one["type"] == "alert.answered"
        }
        for (bank, transaction, holder), pressed in self._rest.banks.answers.pressed.items():
            name = f"{transaction} by {holder} of {bank}"
            row = self._stage.dynamodb.item("TransactionsTable", f"{bank}#{transaction}#flags") or {}
            stored = value_at(row, f"answer#{holder}", "answer")
            if stored is None:
                if pressed.taken:
                    yield f"an answer that was taken is stored: {name}, {pressed.taken}"
                continue
            if stored not in pressed.sent:
                yield f"what is stored was answered: {name}, {stored}"
            if pressed.taken and len(set(pressed.sent)) == 1 and stored != pressed.taken[0]:
                yield f"the answer that was taken is stored: {name}, {stored}"
            if (bank, transaction, holder, stored) not in told:
                yield f"an answer is an event: {name}, {stored}"
            if (transaction, holder, stored) not in heard:
                yield f"a bank's system hears of an answer: {name}, {stored}"
            case = self._stage.dynamodb.item("CasesTable", f"{bank}#{transaction}") or {}
            if value_at(case, "answers", holder, "answer") != stored:
                yield f"a case has the holder's answer: {name}, {stored}"
