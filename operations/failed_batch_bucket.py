"""The bucket of failed batches: what Lambda puts there, read, and sent to its function again.

Lambda puts an object for each batch that it gives up on. The object says which function failed and how, and holds the
whole event ("Retain discarded records for a DynamoDB event source in Lambda", AWS Lambda Developer Guide).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from infra.failures import CommandFailed
from infra.sessions import Stage
from operations.stream_functions import StreamFunctions

_FOLDER = "aws/lambda/"


class UnreadableBatch(CommandFailed):
    """The object can't be read as a failed batch, or its function fails over it again. It is kept."""


@dataclass(frozen=True, slots=True)
class FailedBatch:
    """Records of a stream that a function failed over. `condition` is why Lambda gave up, `failed_at` when (UTC)."""

    key: str
    function: str
    condition: str
    failed_at: str
    records: list[dict[str, Any]]


class FailedBatches:
    """The failed batches of a stage, whose functions are `functions`. `s3` is a client of S3."""

    def __init__(self, s3: Any, functions: StreamFunctions, bucket: str) -> None:
        self._s3 = s3
        self._functions = functions
        self._bucket = bucket

    @classmethod
    def of(cls, stage: Stage) -> "FailedBatches":
        """Return the stage's failed batches; raises StackFailed if the stage isn't provisioned."""
        bucket = stage.output("FailedBatchesBucketArn").rpartition(":")[2]
        return cls(stage.session.client("s3"), StreamFunctions.of(stage), bucket)

    def stored_keys(self) -> Iterator[str]:
        """Yield the keys of the batches, those of each stream's shard in the order in which Lambda gave up on them."""
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=_FOLDER):
            for entry in page.get("Contents", ()):
                yield entry["Key"]

    def read(self, key: str) -> FailedBatch:
        """Return the batch with this key; raises UnreadableBatch."""
        try:
            content = json.loads(self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read())
            context, payload = content["requestContext"], content["payload"]
            records = list((json.loads(payload) if isinstance(payload, str) else payload)["Records"])
            function = self._functions.name_in(context["functionArn"])
            return FailedBatch(key, function, str(context["condition"]), str(content["timestamp"]), records)
        except self._s3.exceptions.NoSuchKey:
            raise UnreadableBatch(f"there is no {key}.") from None
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            raise UnreadableBatch(f"{key} can't be read as a failed batch ({type(error).__name__}): kept.") from None

    def send(self, batch: FailedBatch) -> None:
        """Call the batch's function with its records, and remove the batch when that succeeds.

        Raises UnreadableBatch if the function fails over it again.
        """
        if not self._functions.handles(batch.function, batch.records):
            raise UnreadableBatch(f"{batch.function} fails over {batch.key} again; its log says why: kept.")
        self._s3.delete_object(Bucket=self._bucket, Key=batch.key)
