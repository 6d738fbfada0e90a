"""The recount: a day's sums up to any checkpoint, and on to the next one, whoever is behind in it."""

import random
from typing import Any

import pytest

from chalicelib.analytics.checkpoint import Behind, Checkpoint
from chalicelib.analytics.recount import Recount
from chalicelib.ledger.repository import TransactionRepository
from chalicelib.ledger.stored_form import SHARDS, place_of, shards_of
from chalicelib.ledger.transaction import Transaction
from tests.analytics_world import BANKS, DAY, expected, made, store


def up_to(transactions: list[Transaction], at: Checkpoint, bank: str | None) -> list[Transaction]:
    """Return the day's transactions that the checkpoint's positions say to be in the roll-ups."""

    def is_in(one: Transaction) -> bool:
        shard, place = place_of(one)
        return place <= at.positions_of(one.bank).get(shard, "")

    return [one for one in transactions if one.timestamp.date() == DAY and bank in (None, one.bank) and is_in(one)]


@pytest.mark.parametrize("bank", [None, *BANKS])
@pytest.mark.parametrize("seed", range(4))
def test_it_counts_each_transaction_once_from_checkpoint_to_checkpoint(
    dynamodb: Any, table_names: Any, seed: int, bank: str | None
) -> None:
    chance = random.Random(seed)
    transactions = [made(number, timestamp=made(0).timestamp) for number in range(60)]
    store(dynamodb, transactions)
    places = {shard: sorted(p for s, p in map(place_of, transactions) if s == shard) for shard in shards_of(SHARDS)}
    all_at = dict.fromkeys(places, -1)
    own_at: dict[str, dict[str, int]] = {}
    recount = Recount(TransactionRepository(dynamodb, "TransactionsTable"), DAY, bank, lambda _: None)
    for _ in range(6):
        # Banks fall behind, come on by themselves, and are as far as the others again, who never go back.
        for one in BANKS:
            if one in own_at:
                for shard, at in own_at[one].items():
                    own_at[one][shard] = chance.randint(at, all_at[shard])
                if chance.random() < 0.4:
                    del own_at[one]
            elif chance.random() < 0.5:
                own_at[one] = dict(all_at)
        for shard, at in all_at.items():
            all_at[shard] = chance.randint(at, len(places[shard]) - 1)

        def positions(of: dict[str, int]) -> dict[str, str]:
            return {shard: places[shard][at] for shard, at in of.items() if at >= 0}

        behind = tuple(Behind(one, positions(own)) for one, own in own_at.items())
        checkpoint = Checkpoint(1, positions(all_at), behind=behind)
        recount.extend_to(checkpoint)
        assert recount.days == expected(up_to(transactions, checkpoint, bank))
