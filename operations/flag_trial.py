"""A trial of flag thresholds: transactions judged one after the other by two sets of thresholds, and the results."""

import dataclasses
from collections import deque
from typing import Any

from chalicelib.banks.thresholds import FLAGS, Thresholds
from chalicelib.flags.baselines import Baseline
from chalicelib.flags.rules import JUDGED, Evidence, judge
from chalicelib.ledger.transaction import Transaction

MAX_EXAMPLES = 3


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
        self._authorized: set[int] = set()

    @property
    def accounts(self) -> int:
        return len(self._histories)

    def count_malformed(self) -> None:
        """Count a row that can't be judged."""
        self.malformed += 1

    def judge(self, transaction: Transaction) -> None:
        """Judge a transaction by its account's history, then add it to that history."""
        self.transactions += 1
        history = self._histories.setdefault(transaction.account, Baseline())
        if transaction.status in JUDGED and not self._was_judged_when_authorized(transaction):
            self.judged += 1
            now = judge(transaction, history, self.present)
            changed = judge(transaction, history, self.changed) if self.changed else now
            if now or changed:
                self._note(transaction.id, now, changed)
        history.add(transaction)

    def _was_judged_when_authorized(self, transaction: Transaction) -> bool:
        """Return whether this settles an authorization of the same amount. The stream handler has the same rule."""
        # A hash of 64 bits is enough; the values of a million authorizations would fill the memory.
        id_ = transaction.id if transaction.status == "authorized" else transaction.authorization_id
        key = hash((id_, transaction.account, transaction.type, transaction.amount, transaction.currency))
        if transaction.status == "authorized":
            self._authorized.add(key)
            return False
        if transaction.authorization_id is None or key not in self._authorized:
            return False
        self._authorized.remove(key)
        return True

    def _note(self, transaction_id: str, now: dict[str, Evidence], changed: dict[str, Evidence]) -> None:
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


def as_json(trial: FlagTrial) -> dict[str, Any]:
    """Return the results as JSON values. Without changed thresholds, their fields are absent."""
    rules = {name: _rule(trial, name, result) for name, result in trial.results.items()}
    total: dict[str, Any] = {"now": trial.any_now}
    if trial.changed:
        total |= {"changed": trial.any_changed, "difference": trial.any_changed - trial.any_now}
    return {
        "transactions": trial.transactions,
        "accounts": trial.accounts,
        "judged": trial.judged,
        "malformed": trial.malformed,
        "flagged": total,
        "rules": rules,
    }


def _rule(trial: FlagTrial, name: str, result: RuleResult) -> dict[str, Any]:
    found: dict[str, Any] = {
        "mode": trial.present.modes[name],
        "now": result.now,
        "share_now": result.now / trial.transactions,
    }
    if trial.changed:
        found |= {
            "mode_changed": trial.changed.modes[name],
            "changed": result.changed,
            "share_changed": result.changed / trial.transactions,
            "difference": result.changed - result.now,
        }
    kinds = ("flagged", "added", "removed") if trial.changed else ("flagged",)
    found["examples"] = {
        kind: [{"id": id_, "evidence": evidence} for id_, evidence in getattr(result, kind)] for kind in kinds
    }
    return found


def as_text(trial: FlagTrial) -> str:
    """Return the results as a table, followed by examples for each rule."""
    lines = [
        f"{trial.transactions} transactions of {trial.accounts} accounts, {trial.judged} judged"
        + f", {trial.malformed} malformed rows left out" * bool(trial.malformed),
        "",
    ]
    lines += [_line("rule", ("mode", "now", "share"), ("mode", "changed", "share", "difference"), trial)]
    for name, result in trial.results.items():
        lines.append(_counts(name, result.now, result.changed, trial))
    lines.append(_counts("any of them", trial.any_now, trial.any_changed, trial))
    for name, result in trial.results.items():
        examples = [
            f"  {sign} {id_}  {_evidence(evidence)}"
            for sign, kind in (("-", result.removed), ("+", result.added), (" ", result.flagged))
            for id_, evidence in kind
        ]
        if examples:
            lines += ["", f"{name}, the last examples:", *examples]
    return "\n".join(lines)


def _counts(name: str, now: int, changed: int, trial: FlagTrial) -> str:
    def column(number: int, thresholds: Thresholds | None) -> tuple[str, str, str]:
        mode = thresholds.modes.get(name, "") if thresholds else ""
        return mode, str(number), f"{100 * number / trial.transactions:.3f} %"

    return _line(name, column(now, trial.present), (*column(changed, trial.changed), f"{changed - now:+d}"), trial)


def _line(name: str, now: tuple[str, ...], changed: tuple[str, ...], trial: FlagTrial) -> str:
    cells = now + changed if trial.changed else now
    widths = (10, 9, 11, 10, 9, 11, 12)
    return f"{name:<18}" + "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=False))


def _evidence(evidence: Evidence) -> str:
    def written(value: Any) -> str:
        return ",".join(value) if isinstance(value, list) else str(value)

    return "  ".join(f"{name} {written(value)}" for name, value in evidence.items())
