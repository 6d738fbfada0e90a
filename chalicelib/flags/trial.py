"""A trial of flag thresholds: transactions judged one after the other by two sets of thresholds, and counted. Pure."""

import dataclasses
from collections import deque

from chalicelib.banks.thresholds import FLAGS, MAX_RECENT, Thresholds
from chalicelib.flags.baselines import Baseline
from chalicelib.flags.judge import was_judged
from chalicelib.flags.rules import JUDGED, Evidence, judge
from chalicelib.ledger.purchase import Member, Step, named_by, start, step_after
from chalicelib.ledger.transaction import Transaction

MAX_EXAMPLES = 3

Flags = dict[str, Evidence]


def _latest() -> deque[tuple[str, Evidence]]:
    # The last examples: they were compared with the longest histories.
    return deque(maxlen=MAX_EXAMPLES)


@dataclasses.dataclass(slots=True)
class RuleResult:
    """How many transactions a rule flags with the present and with the changed thresholds, and examples.

    The examples are ids with their evidence. `flagged`: both flag it, or there are no changed thresholds. `added`: only
    the changed thresholds flag it. `removed`: only the present thresholds flag it.
    """

    now: int = 0
    changed: int = 0
    flagged: deque[tuple[str, Evidence]] = dataclasses.field(default_factory=_latest)
    added: deque[tuple[str, Evidence]] = dataclasses.field(default_factory=_latest)
    removed: deque[tuple[str, Evidence]] = dataclasses.field(default_factory=_latest)


class FlagTrial:
    """Judges transactions by the present thresholds, and by changed ones if there are any, and counts the flags.

    Memory grows with the number of accounts, whose histories are bounded, and of authorizations without a settlement.
    """

    def __init__(self, present: Thresholds, changed: Thresholds | None) -> None:
        self.present = present
        self.changed = changed
        self.transactions = 0
        self.judged = 0
        self.malformed = 0
        self.any_now = 0
        self.any_changed = 0
        self.results = {name: RuleResult() for name in FLAGS}
        self._histories: dict[str, Baseline] = {}
        self._purchases: dict[str, tuple[Member, Step]] = {}

    @property
    def accounts(self) -> int:
        return len(self._histories)

    def count_malformed(self) -> None:
        """Count a row that can't be judged."""
        self.malformed += 1

    def judge(self, transaction: Transaction) -> tuple[Flags, Flags]:
        """Judge a transaction by its account's history, then add it to that history.

        Returns the evidence by rule of the present and of the changed thresholds: empty for most transactions.
        """
        now: Flags = {}
        changed: Flags = {}
        self.transactions += 1
        # Those that came last are known whatever their times are, as the stream handler looks them up.
        history = self._histories.setdefault(transaction.account, Baseline(met=deque(maxlen=MAX_RECENT)))
        step = self._step(transaction)
        if transaction.status in JUDGED and transaction.notify and not was_judged(step):
            self.judged += 1
            now = judge(transaction, history, self.present)
            changed = judge(transaction, history, self.changed) if self.changed else now
            if now or changed:
                self._note(transaction.id, now, changed)
        history.add(transaction)
        history.meet(transaction)
        return now, changed

    def _step(self, transaction: Transaction) -> Step | None:
        """Return the transaction's step in its purchase, as the stream handler finds it; None if it is in none.

        A purchase is forgotten when it is over: what comes after the end is judged.
        """
        named = named_by(transaction)
        if named is None:
            if transaction.status == "authorized":
                self._purchases[transaction.id] = Member.of(transaction), start(transaction)
            return None
        if named.id not in self._purchases:
            return None
        authorization, before = self._purchases.pop(named.id)
        step = step_after(authorization, before, Member.of(transaction))
        if not step.is_over:
            self._purchases[named.id] = authorization, step
        return step

    def _note(self, transaction_id: str, now: Flags, changed: Flags) -> None:
        self.any_now += bool(now)
        self.any_changed += bool(changed)
        for name in now.keys() | changed.keys():
            result = self.results[name]
            result.now += name in now
            result.changed += name in changed
            if name not in now:
                result.added.append((transaction_id, changed[name]))
            elif name not in changed:
                result.removed.append((transaction_id, now[name]))
            else:
                result.flagged.append((transaction_id, changed[name]))
