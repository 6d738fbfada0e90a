"""Banks, their API keys and their settings in DynamoDB.

They are in one table, as the entries `bank#<id>`, `key#<SHA-256 of the key>` and `settings#<bank's id>`. What a bank's
settings need is imported with the first of them: a `POST` reads only keys and banks.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from chalicelib.aws.calls import call
from chalicelib.aws.dynamo import call_if, from_item, to_item
from chalicelib.banks.bank import ApiKey, Bank
from chalicelib.errors import TemporarilyUnavailable
from chalicelib.ledger.times import format_time

if TYPE_CHECKING:
    from chalicelib.banks.settings import BankSettings, StoredSettings
    from chalicelib.banks.webhook_endpoints import EndpointState


class BankRepository:
    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def api_key(self, key_hash: str) -> ApiKey | None:
        """Return the key with this hash, None if there is none."""
        values = self._get(f"key#{key_hash}")
        if values is None:
            return None
        expires_at = values.get("expires_at")
        return ApiKey(
            hash=values["hash"],
            bank=values["bank"],
            gateway_key_id=values["gateway_key_id"],
            expires_at=datetime.fromisoformat(expires_at) if expires_at else None,
        )

    def bank(self, bank_id: str) -> Bank | None:
        """Return the bank with this id, None if there is none."""
        values = self._get(f"bank#{bank_id}")
        if values is None:
            return None
        bank = {name: values[name] for name in Bank.__dataclass_fields__ if name in values}
        if bank.get("emails_per_day") is not None:
            bank["emails_per_day"] = int(bank["emails_per_day"])
        return Bank(**bank)

    def put_bank(self, bank: Bank) -> None:
        """Store a bank, in place of the bank that has its id."""
        self._put(f"bank#{bank.id}", {name: getattr(bank, name) for name in Bank.__dataclass_fields__})

    def change_bank(self, bank_id: str, **values: Any) -> None:
        """Change only these values of a bank; a value of None is removed.

        Raises botocore's ClientError (ConditionalCheckFailedException) if there is no such bank.
        """
        names = {f"#{name}": name for name in values}
        sets = [f"#{name} = :{name}" for name, value in values.items() if value is not None]
        removes = [f"#{name}" for name, value in values.items() if value is None]
        expressions = [f"SET {', '.join(sets)}"] * bool(sets) + [f"REMOVE {', '.join(removes)}"] * bool(removes)
        call(
            self._client.update_item,
            TableName=self._table,
            Key=to_item({"entry": f"bank#{bank_id}"}),
            UpdateExpression=" ".join(expressions),
            ConditionExpression="attribute_exists(entry)",
            ExpressionAttributeNames=names,
            **({"ExpressionAttributeValues": to_item({f":{k}": v for k, v in values.items()})} if sets else {}),
        )

    def put_api_key(self, api_key: ApiKey) -> None:
        """Store an API key by its hash, in place of the key that has it."""
        self._put(
            f"key#{api_key.hash}",
            {
                "hash": api_key.hash,
                "bank": api_key.bank,
                "gateway_key_id": api_key.gateway_key_id,
                "expires_at": format_time(api_key.expires_at) if api_key.expires_at else None,
            },
        )

    def delete_api_key(self, key_hash: str) -> None:
        """Delete the key with this hash; does nothing if there is none."""
        call(self._client.delete_item, TableName=self._table, Key=to_item({"entry": f"key#{key_hash}"}))

    def settings(self, bank_id: str) -> "StoredSettings":
        """Return the bank's settings, read consistently; the defaults if it has stored none."""
        from chalicelib.banks.settings import StoredSettings, read_settings
        from chalicelib.banks.webhook_endpoints import states_from_json

        values = self._get(f"settings#{bank_id}", ConsistentRead=True)
        if values is None:
            return StoredSettings()
        settings, states = read_settings(values["settings"], bank_id), values.get("endpoints")
        return StoredSettings(
            settings,
            values["subscriptions"],
            int(values["version"]),
            _earlier_states(settings, values) if states is None else states_from_json(states),
        )

    def put_settings(self, bank_id: str, stored: "StoredSettings") -> None:
        """Store the bank's settings in place of those with the version before: `stored.version - 1`.

        Raises TemporarilyUnavailable, and stores nothing, if another version is stored: someone else changed them.
        """
        from chalicelib.banks.settings import to_json
        from chalicelib.banks.webhook_endpoints import states_to_json

        item = {
            "entry": f"settings#{bank_id}",
            "settings": to_json(stored.settings),
            "subscriptions": dict(stored.subscriptions),
            "version": stored.version,
        }
        if stored.endpoint_states is not None:
            item["endpoints"] = states_to_json(stored.endpoint_states)
        put = call_if(
            self._client.put_item,
            TableName=self._table,
            Item=to_item(item),
            ConditionExpression="attribute_not_exists(entry) OR version = :before",
            ExpressionAttributeValues=to_item({":before": stored.version - 1}),
        )
        if put is None:
            raise TemporarilyUnavailable

    def put_endpoint_states(self, bank_id: str, states: "Mapping[str, EndpointState]", version: int) -> bool:
        """Store the states of the endpoints in this version of the bank's settings, as the next version.

        Does nothing, and returns False, if the settings have another version by now.
        """
        from chalicelib.banks.webhook_endpoints import states_to_json

        values = {":states": states_to_json(states), ":version": version, ":next": version + 1}
        updated = call_if(
            self._client.update_item,
            TableName=self._table,
            Key=to_item({"entry": f"settings#{bank_id}"}),
            UpdateExpression="SET endpoints = :states, version = :next",
            ConditionExpression="version = :version",
            ExpressionAttributeValues=to_item(values),
        )
        return updated is not None

    def _get(self, entry: str, **options: Any) -> dict[str, Any] | None:
        answer = call(self._client.get_item, TableName=self._table, Key=to_item({"entry": entry}), **options)
        return from_item(answer["Item"]) if "Item" in answer else None

    def _put(self, entry: str, values: dict[str, Any]) -> None:
        call(self._client.put_item, TableName=self._table, Item=to_item({"entry": entry, **values}))


def _earlier_states(settings: "BankSettings", values: Mapping[str, Any]) -> "dict[str, EndpointState] | None":
    """Return the states in settings that were stored before endpoints had to prove themselves."""
    from chalicelib.banks.webhook_endpoints import EndpointState, Status

    if not values.get("webhooks_disabled_at"):
        return None
    at = datetime.fromisoformat(values["webhooks_disabled_at"])
    return {key: EndpointState(one.url, Status.GONE, at) for key, one in settings.endpoints.items()}
