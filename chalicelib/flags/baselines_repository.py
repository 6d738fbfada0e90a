"""Baselines in DynamoDB: an item for each account, a hundred read and 25 written in a call."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chalicelib.aws.batching import batches
from chalicelib.aws.dynamo import batch_get, batch_put, to_item
from chalicelib.aws.telemetry import skipped
from chalicelib.flags.baselines import Baseline, from_values, to_values
from chalicelib.ledger.stored_form import transaction_of_row

_ENTRY = "baseline"
_TOGETHER = 100


class BaselineRepository:
    """Accounts are given by their keys, `<bank>#<account>`."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def of(self, accounts: Iterable[str], *, is_consistent: bool = False) -> dict[str, Baseline]:
        """Return the baselines that there are of these distinct accounts.

        One that can't be read is passed over and counted: the job then begins a new one, which the account fills again.
        """
        keys = [to_item(_key(account)) for account in accounts]
        found: dict[str, Baseline] = {}
        for values in batch_get(self._client, self._table, keys, is_consistent=is_consistent):
            account = values["owner"].removeprefix("account#")
            try:
                found[account] = from_values(values)
            except Exception as error:  # written past the service
                # Without the key: it has the account's number.
                skipped("malformed_baseline", "MalformedBaselines", error, bank=account.partition("#")[0])
        return found

    def put(self, baselines: Mapping[str, Baseline]) -> None:
        """Replace the accounts' baselines; raises TemporarilyUnavailable with some replaced."""
        items = (to_item({**_key(account), **to_values(baseline)}) for account, baseline in baselines.items())
        batch_put(self._client, self._table, items)

    def add(self, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """Add each account's rows of the index by_recorded to its baseline; what is in it already stays in it once.

        A shard's rows must come in order, and nobody else may write these baselines meanwhile: the last one to write
        would undo what the others have added. Raises TemporarilyUnavailable with some added; adding all again is safe.
        """
        # A hundred by a hundred: it takes no more room for many accounts, and what was written before a death stays.
        for part in batches(rows.items(), _TOGETHER):
            stored = self.of((account for account, _ in part), is_consistent=True)
            changed = {}
            for account, own in part:
                baseline = stored.get(account, Baseline())
                is_new = [_add(row, baseline) for row in own]  # each of them is added
                if any(is_new):
                    changed[account] = baseline
            self.put(changed)


def _add(row: Mapping[str, Any], baseline: Baseline) -> bool:
    """Add a row to the baseline; return whether that changed it. A row that can't be added is left out."""
    try:
        return baseline.add_row(row["recorded_shard"], row["recorded_key"], transaction_of_row(row))
    except Exception as error:
        skipped("not_in_baseline", "NotInBaseline", error, bank=row.get("bank"), transaction=row.get("id"))
        return False


def _key(account: str) -> dict[str, str]:
    return {"owner": f"account#{account}", "entry": _ENTRY}
