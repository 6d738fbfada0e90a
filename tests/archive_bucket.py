"""The archive's bucket: a fake that keeps objects, and what they hold."""

import gzip
from typing import Any

from chalicelib.ledger.archive import from_line
from chalicelib.ledger.repository import transaction_item
from chalicelib.ledger.transaction import Transaction

BUCKET = "archive"


class FakeBucket:
    """An S3 bucket that keeps what is put into it."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> None:  # noqa: N803
        assert Bucket == BUCKET
        self.objects[Key] = Body

    @property
    def transactions(self) -> list[Transaction]:
        return [
            from_line(line, key.partition("/")[0].removeprefix("bank="))
            for key, content in self.objects.items()
            for line in gzip.decompress(content).decode().split("\n")[:-1]
        ]


def records(*stored: Transaction, first: int = 100) -> list[dict[str, Any]]:
    """Return the stream's records of the transactions, numbered from `first`."""
    return [of_item(transaction_item(one), first + number) for number, one in enumerate(stored)]


def of_item(item: dict[str, Any], number: int = 100, name: str = "INSERT") -> dict[str, Any]:
    return {"eventName": name, "eventID": f"e{number}", "dynamodb": {"NewImage": item, "SequenceNumber": str(number)}}


def archived(s3: Any) -> dict[str, list[str]]:
    """Return each object's lines by its key."""
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET).get("Contents", ())]
    bodies = {key: s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys}
    return {key: gzip.decompress(body).decode().split("\n")[:-1] for key, body in bodies.items()}
