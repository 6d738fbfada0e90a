"""The ids of banks' signed requests of the last minutes, in DynamoDB: none is taken a second time.

The items are in the table of due notices, which has no stream and removes what has expired.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Any

from chalicelib.aws.dynamo import call_if, to_item

# Longer than a signature is good for, on both sides of now.
_KEPT_FOR = timedelta(minutes=11)


class SignedIds:
    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def is_first(self, bank: str, message_id: str, now: datetime) -> bool:
        """Remember the id, and return whether it comes for the first time. Raises TemporarilyUnavailable.

        A call whose answer was lost may have stored it: then the first request is refused, and nothing is done twice.
        """
        digest = hashlib.sha256(message_id.encode(errors="surrogatepass")).hexdigest()
        values = {"due_hour": f"signed#{bank}", "due": digest, "expires_at": int((now + _KEPT_FOR).timestamp())}
        put = call_if(
            self._client.put_item,
            TableName=self._table,
            Item=to_item(values),
            # An item that has expired may be there for days.
            ConditionExpression="attribute_not_exists(due) OR expires_at < :now",
            ExpressionAttributeValues=to_item({":now": int(now.timestamp())}),
        )
        return put is not None
