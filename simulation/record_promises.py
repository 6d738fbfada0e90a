"""What is promised of holders' records, accounts' histories and purchases: nobody's change undoes another's."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from chalicelib.ledger.keys import TransactionKey
from simulation.rest import Rest
from simulation.tables import value_at


class RecordPromises:
    """The promises of records that several functions change, looked at when everything has come to rest."""

    def __init__(self, rest: Rest) -> None:
        self._rest, self._stage = rest, rest.stage

    def broken(self) -> Iterator[str]:
        """Yield the promises that are broken."""
        yield from self._changes_kept()
        yield from self._addresses_confirmed()
        yield from self._histories_complete()
        yield from self._purchases_complete()

    def _changes_kept(self) -> Iterator[str]:
        for holder in self._rest.banks.holders.all:
            record = self._rest.banks.holders.stored(holder)
            if holder.is_moved and record.email != holder.emails[-1]:
                yield f"what the bank changes stays so: the address of {holder.name}"
            if holder.is_unsubscribed and not record.preferences.get("muted"):
                yield f"what a holder chooses stays so: {holder.name} has unsubscribed"

    def _addresses_confirmed(self) -> Iterator[str]:
        """Who must confirm an address is asked to, once, and what was confirmed stays so."""
        confirmations, in_doubt = self._rest.banks.confirmations, self._stage.ses.in_doubt
        for holder in self._rest.banks.holders.all:
            if not holder.must_confirm:
                continue
            key = holder.bank, holder.emails[0]
            asked = confirmations.asked.get(key, set())
            if not asked and not holder.is_muted and not holder.has_clicked and len(holder.emails) == 1:
                yield f"who must confirm an address is asked to: {holder.name}"
            if len(asked - in_doubt) > 1:
                yield f"an address is asked once: {holder.name}, {len(asked)} times"
            record = self._rest.banks.holders.stored(holder)
            if (holder.bank, record.email) in confirmations.taken and record.awaits_confirmation:
                yield f"what a holder confirms stays so: {holder.name}"

    def _histories_complete(self) -> Iterator[str]:
        """Each settled transaction is in its account's history, once."""
        settled = Counter(
            f"{bank}#{value_at(item, 'account')}"
            for (bank, _), item in self._rest.stored.items()
            if value_at(item, "status") in (None, "settled")
        )
        found = self._stage.own.baselines.of(settled)
        for account, count in settled.items():
            counted = sum(amounts.count for amounts in found[account].amounts.values()) if account in found else 0
            if counted != count:
                yield f"an account's history has each transaction once: {account} has {counted} of {count}"

    def _purchases_complete(self) -> Iterator[str]:
        """Each transaction that names an authorization is in its purchase, once."""
        naming: dict[TransactionKey, set[str]] = defaultdict(set)
        for (bank, transaction_id), item in self._rest.stored.items():
            if named := value_at(item, "authorization_id"):
                naming[TransactionKey(bank, str(named))].add(transaction_id)
        found = self._stage.own.purchases.of(naming)
        for key, ids in naming.items():
            members = [member.id for member in found.get(key, ())]
            if sorted(members) != sorted(ids):
                yield f"a purchase has each of its transactions once: {key.id} has {members} of {sorted(ids)}"
