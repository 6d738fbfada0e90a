"""Judging what was stored: each transaction against its account's history and its bank's thresholds.

The history is what the analytics job keeps, which is a minute or two behind, and what has come since: the batch itself,
and the account's newest transactions by the index. The latter is looked up for a few accounts of a batch only, the ones
with most going on first: in ordinary traffic that is all of them, and in a bulk load it keeps the handler from making a
call for each record.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from chalicelib.aws.telemetry import count, logger
from chalicelib.banks.settings import SettingsDirectory
from chalicelib.banks.thresholds import FLAGS
from chalicelib.flags.baselines import RECENT_FOR, Baseline
from chalicelib.flags.baselines_repository import BaselineRepository
from chalicelib.flags.repository import Flagging, FlagRepository
from chalicelib.flags.rules import JUDGED, judge
from chalicelib.ledger.keys import TransactionKey, account_key
from chalicelib.ledger.repository import Listing, TransactionRepository, place_of
from chalicelib.ledger.transaction import Transaction, is_as_authorized, settles

LOOKED_UP = 10  # accounts of a batch


class Judge:
    def __init__(
        self,
        settings: SettingsDirectory,
        baselines: BaselineRepository,
        transactions: TransactionRepository,
        flags: FlagRepository,
        clock: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._baselines = baselines
        self._transactions = transactions
        self._flags = flags
        self._clock = clock

    def flagged(self, stored: Sequence[Transaction]) -> dict[TransactionKey, Flagging]:
        """Judge what was stored, record what is flagged, and return it by transaction key: the first decision stands.

        Raises TemporarilyUnavailable when a table can't be read or written; judging all of them again is safe.
        """
        batch = self._by_account(stored)
        histories = self._baselines.of(batch)
        meanwhile = self._meanwhile(batch, histories)
        told = self._told_by_authorization(one for own in batch.values() for one in own)
        now = self._clock()
        found = []
        for account, own in batch.items():
            history = histories.get(account, Baseline())
            others = {one.key: one for one in meanwhile.get(account, ())}
            for one in sorted([*own, *others.values()], key=_order):
                if one.key in others:
                    history.add_recent(one)
                    continue
                if one.status in JUDGED and one.key not in told:
                    found += self._flagging(one, history, now)
                history.add_row(*place_of(one), one)
        recorded = self._flags.record(found)
        for name, number in Counter(name for flagging in recorded for name in flagging.flags).items():
            count(f"Flagged_{name}", number)
        return {flagging.transaction.key: flagging for flagging in recorded}

    def _by_account(self, stored: Iterable[Transaction]) -> dict[str, list[Transaction]]:
        """Return the transactions of each account that has one to be judged."""
        accounts: dict[str, list[Transaction]] = {}
        for one in stored:
            if self._settings.of(one.bank).thresholds.in_mode("off") != FLAGS:
                accounts.setdefault(account_key(one.bank, one.account), []).append(one)
        return {account: own for account, own in accounts.items() if any(one.status in JUDGED for one in own)}

    def _meanwhile(
        self, batch: Mapping[str, Sequence[Transaction]], histories: Mapping[str, Baseline]
    ) -> dict[str, list[Transaction]]:
        """Return what else was lately recorded of the accounts with most going on, before the last of the batch."""

        def going_on(account: str) -> int:
            return len(batch[account]) + (len(histories[account].recents) if account in histories else 0)

        accounts = sorted(batch, key=going_on, reverse=True)[:LOOKED_UP]
        if not accounts:
            return {}
        with ThreadPoolExecutor(len(accounts)) as pool:
            return dict(zip(accounts, pool.map(lambda account: self._newest(batch[account]), accounts), strict=True))

    def _newest(self, own: Sequence[Transaction]) -> list[Transaction]:
        # Their own times need not follow the order of recording: what a payment repeats may lie behind it.
        either_way = timedelta(minutes=self._settings.of(own[0].bank).thresholds.duplicate_minutes)
        times = [one.timestamp for one in own]
        listing = Listing(own[0].account, min(times) - RECENT_FOR, max(times) + either_way)
        recorded = max(map(_order, own))
        found = self._transactions.newest_for_account(own[0].bank, listing).transactions
        keys = {one.key for one in own}
        return [one for one in found if _order(one) < recorded and one.key not in keys]

    def _told_by_authorization(self, batch: Iterable[Transaction]) -> set[TransactionKey]:
        """Return the settlements whose authorization says the same: that was judged when the card was used."""
        settled = [one for one in batch if one.status == "settled" and one.authorization_id is not None]
        keys = {one.key: TransactionKey(one.bank, str(one.authorization_id)) for one in settled}
        stored = self._transactions.stored(sorted(set(keys.values())))
        return {
            one.key
            for one in settled
            if (authorization := stored.get(keys[one.key])) is not None
            and settles(one, authorization)
            and is_as_authorized(one, authorization)
        }

    def _flagging(self, transaction: Transaction, history: Baseline, now: datetime) -> list[Flagging]:
        thresholds = self._settings.of(transaction.bank).thresholds
        try:
            flags = judge(transaction, history, thresholds)
        except Exception as error:  # whatever is wrong with one record must not hold up the others
            logger.error("not_judged", extra={"error": type(error).__name__})
            count("NotJudged")
            return []
        shadow = frozenset(thresholds.in_mode("shadow"))
        return [Flagging(transaction, flags, shadow, now)] if flags else []


def _order(transaction: Transaction) -> tuple[datetime, str]:
    return transaction.recorded_at, transaction.id
