"""Judging what was stored: each transaction against its account's history and its bank's thresholds.

The history is what the analytics job keeps, which is a minute or two behind, and what has come since: the batch
itself, and the account's newest transactions by the index. The latter is looked up for a few accounts of a batch only.
The banks take turns, and of each the accounts with most going on come first. In ordinary traffic that is all of them,
and in a bulk load it keeps the handler from making a call for each record.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from chalicelib.aws.batching import in_turns
from chalicelib.aws.calls import THROTTLED, code_behind
from chalicelib.aws.retries import each_try
from chalicelib.aws.telemetry import count, skipped
from chalicelib.banks.settings import SettingsDirectory
from chalicelib.banks.thresholds import FLAGS
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.flags.baselines import RECENT_FOR, Baseline
from chalicelib.flags.baselines_repository import BaselineRepository
from chalicelib.flags.early_settlements import without_known
from chalicelib.flags.repository import Flagging, FlagRepository
from chalicelib.flags.rules import JUDGED, judge
from chalicelib.ledger.keys import TransactionKey, account_key
from chalicelib.ledger.purchase import Role, Step
from chalicelib.ledger.purchases_repository import PurchaseRepository
from chalicelib.ledger.repository import Listing, TransactionRepository
from chalicelib.ledger.stored_form import place_of
from chalicelib.ledger.times import shifted
from chalicelib.ledger.transaction import Transaction

_TRIES, _FIRST_WAIT_S = 6, 0.05
LOOKED_UP = 10  # accounts of a batch, and one of each bank at least
_JUDGED_BEFORE = {Role.AS_AUTHORIZED, Role.PART, Role.LAST_PART, Role.COVERED, Role.REFUND}


class Judge:
    def __init__(
        self,
        settings: SettingsDirectory,
        baselines: BaselineRepository,
        transactions: TransactionRepository,
        purchases: PurchaseRepository,
        flags: FlagRepository,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._sleep = sleep
        self._settings = settings
        self._baselines = baselines
        self._transactions = transactions
        self._purchases = purchases
        self._flags = flags
        self._clock = clock

    def flagged(
        self, stored: Sequence[Transaction], steps: Mapping[TransactionKey, Step]
    ) -> dict[TransactionKey, Flagging]:
        """Judge what was stored, record what is flagged, and return it by transaction key: the first decision stands.

        When a batch comes again, what was flagged stays so, whatever its history and thresholds are now: the first time
        may have ended between the record and the alert.

        `steps` says what those transactions are in the story of a purchase that name an authorization. What is settled
        of an authorized amount was judged when it was authorized, and a refund is no payment. An authorization that
        comes after its settlement is flagged for what that one wasn't.

        Raises TemporarilyUnavailable when a table can't be read or written; judging all of them again is safe.
        """
        batch = self._by_account(stored)
        histories = self._baselines.of(batch)
        meanwhile = self._meanwhile(batch, histories)
        now = self._clock()
        found = []
        for account, own in batch.items():
            history = histories.get(account, Baseline())
            found += self._of_account(own, meanwhile.get(account, ()), history, steps, now)
        found = without_known(found, self._purchases, self._flags)
        again = {one.transaction.key for one in found}
        rest = [one for own in batch.values() for one in own if _may_be_flagged(one, steps) and one.key not in again]
        recorded = [*self._flags.record(found), *self._flags.recorded(rest)]
        for name, number in Counter(name for flagging in recorded for name in flagging.flags).items():
            count(f"Flagged_{name}", number)
        return {flagging.transaction.key: flagging for flagging in recorded}

    def _of_account(
        self,
        own: Sequence[Transaction],
        meanwhile: Sequence[Transaction],
        history: Baseline,
        steps: Mapping[TransactionKey, Step],
        now: datetime,
    ) -> list[Flagging]:
        """Judge an account's transactions in their order. One over which that fails is told as an ordinary one."""
        others = {one.key for one in meanwhile}
        found = []
        for one in sorted([*own, *meanwhile], key=_order):
            try:
                if one.key not in others:
                    if _may_be_flagged(one, steps):
                        found += self._flagging(one, history, now)
                    history.add_row(*place_of(one), one)
                history.meet(one)
            except Exception as error:
                skipped("not_judged", "NotJudged", error, bank=one.bank, transaction=one.id)
        return found

    def _by_account(self, stored: Iterable[Transaction]) -> dict[str, list[Transaction]]:
        """Return the transactions of each account that has one to be judged."""
        accounts: dict[str, list[Transaction]] = {}
        for one in stored:
            if self._settings.of(one.bank).thresholds.in_mode("off") != FLAGS:
                accounts.setdefault(account_key(one.bank, one.account), []).append(one)
        return {account: own for account, own in accounts.items() if any(map(_is_judged, own))}

    def _meanwhile(
        self, batch: Mapping[str, Sequence[Transaction]], histories: Mapping[str, Baseline]
    ) -> dict[str, list[Transaction]]:
        """Return what else was lately recorded of the accounts with most going on, the banks' in turns.

        An account that is throttled to the last try is judged without: it must not hold up all others, of all banks.
        """

        def going_on(account: str) -> int:
            return len(batch[account]) + len(histories.get(account, Baseline()).recents)

        busiest = sorted(batch, key=going_on, reverse=True)
        banks = {account: batch[account][0].bank for account in busiest}
        accounts = in_turns(busiest, banks.__getitem__)[: max(LOOKED_UP, len(set(banks.values())))]
        if not accounts:
            return {}
        with ThreadPoolExecutor(len(accounts)) as pool:
            return dict(zip(accounts, pool.map(lambda account: self._newest(batch[account]), accounts), strict=True))

    def _newest(self, own: Sequence[Transaction]) -> list[Transaction]:
        for _ in each_try(_TRIES, _FIRST_WAIT_S, self._sleep):
            try:
                return self._read_newest(own)
            except TemporarilyUnavailable as error:
                if code_behind(error) not in THROTTLED:
                    raise
        count("NotLookedUp")
        return []

    def _read_newest(self, own: Sequence[Transaction]) -> list[Transaction]:
        # Their own times need not follow the order of recording: what they are compared with may lie behind them.
        thresholds = self._settings.of(own[0].bank).thresholds
        behind = timedelta(minutes=max(thresholds.duplicate_minutes, thresholds.velocity_minutes))
        times = [one.timestamp for one in own]
        listing = Listing(own[0].account, shifted(min(times), -RECENT_FOR), shifted(max(times), behind))
        found = self._transactions.newest_for_account(own[0].bank, listing).transactions
        keys = {one.key for one in own}
        return [one for one in found if one.key not in keys]

    def _flagging(self, transaction: Transaction, history: Baseline, now: datetime) -> list[Flagging]:
        thresholds = self._settings.of(transaction.bank).thresholds
        flags = judge(transaction, history, thresholds)
        shadow = frozenset(thresholds.in_mode("shadow"))
        return [Flagging(transaction, flags, shadow, now)] if flags else []


def _is_judged(transaction: Transaction) -> bool:
    return transaction.status in JUDGED and transaction.notify


def _may_be_flagged(transaction: Transaction, steps: Mapping[TransactionKey, Step]) -> bool:
    return _is_judged(transaction) and not was_judged(steps.get(transaction.key))


def was_judged(step: Step | None) -> bool:
    """Whether a transaction at this step of a purchase was judged when the amount was authorized, or is a refund."""
    return step is not None and step.role in _JUDGED_BEFORE


def _order(transaction: Transaction) -> tuple[datetime, str]:
    return transaction.recorded_at, transaction.id
