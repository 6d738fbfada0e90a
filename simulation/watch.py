"""What must hold at each step of a run: what is answered is stored and stays as it is, and nobody is told of more."""

from simulation.bank import Banks
from simulation.expressions import Item
from simulation.stage import Stage
from simulation.tables import value_at


class Watch:
    """Looks at each step: at what is stored, at what is answered, and at what is sent."""

    def __init__(self, stage: Stage, banks: Banks) -> None:
        self.broken: list[str] = []
        self._stage = stage
        self._banks = banks
        self._answered = self._seen = 0
        self._holders = {(one.bank, one.account, one.alias): one for one in banks.holders.all}
        stage.dynamodb.watch(self._changed)

    def _changed(self, table: str, before: Item | None, after: Item | None) -> None:
        if table == "TransactionsTable" and before is not None and not is_flags(before):
            self.broken.append(f"a stored transaction stays as it is: {value_at(before, 'id')}")
        if table == "TransactionsTable" and before is not None and is_flags(before):
            self._look_at_flags(before, after or {})
        if table == "NotificationsTable" and before is not None and "named" in before:
            self._look_at_purchase(before, after or {})

    def _look_at_flags(self, before: Item, after: Item) -> None:
        name = value_at(before, "id")
        if any(before[part] != after.get(part) for part in ("flags", "shadow", "recorded_key")):
            self.broken.append(f"what is flagged stays as it was decided: {name}")
        for part in before:
            is_same = part.startswith("answer#") and value_at(before, part, "answer") == value_at(after, part, "answer")
            if is_same and before[part] != after[part]:
                self.broken.append(f"an answer that is given again is stored once: {name}")

    def _look_at_purchase(self, before: Item, after: Item) -> None:
        """Who has asked how a purchase stands keeps being right: what is new comes last."""
        first = before["members"]["L"]
        if after.get("members", {}).get("L", [])[: len(first)] != first:
            self.broken.append(f"a purchase's order stays as it was decided: {value_at(before, 'named')}")

    def look(self) -> None:
        """Look at the answers and e-mails of the last step.

        What is answered 200 or 201 is stored. Nobody is told of what isn't stored, or of another's account, or at an
        address that was to be confirmed first.
        """
        for bank, transaction_id in self._banks.taken[self._answered :]:
            if self._stage.dynamodb.item("TransactionsTable", f"{bank}#{transaction_id}") is None:
                self.broken.append(f"what is answered is stored by then: {bank} {transaction_id}")
        self._answered = len(self._banks.taken)
        for email in self._stage.ses.accepted[self._seen :]:
            named = self._banks.holders.named(email.bank, email.holder)
            if named is not None and not self._banks.confirmations.may_get(named, email):
                self.broken.append(f"nothing comes to an address before it is confirmed: {email.transaction}")
            if "@" in email.transaction:
                continue
            stored = self._stage.dynamodb.item("TransactionsTable", f"{email.bank}#{email.transaction}")
            if stored is None:
                self.broken.append(f"nobody is told of what isn't stored: {email.transaction}")
                continue
            holder = self._holders.get((email.bank, str(value_at(stored, "account")), email.holder))
            if holder is None or email.to not in holder.emails:
                self.broken.append(f"an e-mail goes to a holder of the account: {email.transaction} to {email.holder}")
        self._seen = len(self._stage.ses.accepted)


def is_flags(row: Item) -> bool:
    """Return whether a row of the table of transactions is one of flags."""
    return "flags" in row
