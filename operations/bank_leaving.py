"""A bank leaves: all of its data is deleted, and a second look proves it.

What stays, and why, is in docs/maintenance.md: the audit trail, and what ends by itself.
"""

import contextlib
import dataclasses
import functools
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError
from tqdm import tqdm

from chalicelib.aws.calls import call, error_code
from chalicelib.aws.dynamo import batch_delete, from_item, to_item
from infra.failures import CommandFailed
from infra.sessions import Stage
from infra.stacks import PROJECT
from operations.auditing import note_change
from operations.bank_registry import BankRefused, Registry
from operations.bank_rows import TABLES, bank_of
from operations.signing import Purpose
from operations.staff_directory import StaffDirectory, directory
from operations.stage_stores import PATIENT

_OBJECTS_A_CALL = 1_000
# Functions that run just now, and jobs, may write a row behind the first look.
_ROUNDS = 3
_BAR_AFTER_S = 2

Progress = Callable[[int], object]


class NotAllDeleted(CommandFailed):
    """Some of the bank's data is there still; the message says where."""


@dataclasses.dataclass(frozen=True)
class BankData:
    """All of a bank's data on a stage: rows of tables, objects of the archive, and what other services have."""

    stage: Stage
    bank: str

    def rows(self, table: str, progress: Progress) -> Iterator[list[dict[str, Any]]]:
        """Yield the keys of the bank's rows, page by page; `progress` gets how many rows were read."""
        client, name = self._dynamodb, self.stage.output(table)
        key_names = [key["AttributeName"] for key in call(client.describe_table, TableName=name)["Table"]["KeySchema"]]
        fields = {f"#{place}": field for place, field in enumerate((*key_names, "bank"))}
        arguments = {"TableName": name, "ProjectionExpression": ", ".join(fields), "ExpressionAttributeNames": fields}
        while True:
            answer = call(client.scan, **arguments, ConsistentRead=True)
            found = map(from_item, answer["Items"])
            yield [{field: row[field] for field in key_names} for row in found if bank_of(table, row) == self.bank]
            progress(answer["ScannedCount"])
            if "LastEvaluatedKey" not in answer:
                return
            arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def delete_rows(self, table: str, progress: Progress) -> int:
        """Delete the bank's rows of a table; return how many there were."""
        client, name, deleted = self._dynamodb, self.stage.output(table), 0
        for keys in self.rows(table, progress):
            batch_delete(client, name, map(to_item, keys))
            deleted += len(keys)
        return deleted

    def objects(self, progress: Progress) -> Iterator[list[dict[str, str]]]:
        """Yield the keys of the bank's objects in the archive, a call's at a time; `progress` gets how many."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.stage.output("ArchiveBucket"),
            Prefix=f"bank={self.bank}/",
            PaginationConfig={"PageSize": _OBJECTS_A_CALL},
        )
        for page in pages:
            if "Contents" in page:
                yield [{"Key": one["Key"]} for one in page["Contents"]]
                progress(len(page["Contents"]))

    def delete_objects(self, progress: Progress) -> int:
        """Delete the bank's objects of the archive; return how many there were.

        Their earlier versions end by the bucket's own rules.
        """
        deleted = 0
        for keys in self.objects(progress):
            answer = call(
                self._s3.delete_objects,
                Bucket=self.stage.output("ArchiveBucket"),
                Delete={"Objects": keys, "Quiet": True},
            )
            if errors := answer.get("Errors"):
                raise NotAllDeleted(f"S3 refuses to delete {len(errors)} objects: {errors[0].get('Code')}.")
            deleted += len(keys)
        return deleted

    def delete_elsewhere(self) -> Counter[str]:
        """Delete the bank's secrets, its topic of alerts and its staff; return how many of each there were."""
        deleted = Counter[str]()
        secrets = self.stage.session.client("secretsmanager")
        for purpose in Purpose:
            with _unless("ResourceNotFoundException"):
                name = f"{PROJECT}-{self.stage.name}-{purpose}-{self.bank}"
                secrets.describe_secret(SecretId=name)
                secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
                deleted["secrets"] += 1
        sns, topic = self.stage.session.client("sns"), f"{self.stage.output('OperatorAlertsTopicArn')}-{self.bank}"
        with _unless("NotFound", "NotFoundException"):
            sns.get_topic_attributes(TopicArn=topic)
            sns.delete_topic(TopicArn=topic)
            deleted["topics"] += 1
        if "StaffPool" in self.stage.outputs:
            deleted["staff"] = self._delete_staff(directory(self.stage))
        return deleted

    def _delete_staff(self, staff: StaffDirectory) -> int:
        members = [member for member in staff.members() if member.bank == self.bank]
        for member in members:
            staff.cognito.admin_delete_user(UserPoolId=staff.pool, Username=member.email)
        return len(members)

    def left(self, progress: Progress) -> Counter[str]:
        """Return how many rows and objects of the bank there are, by table; without those of which there is none.

        It reads every table to its end: `progress` gets how many rows and objects were read.
        """
        found = Counter({table: sum(map(len, self.rows(table, progress))) for table in TABLES})
        found["archive"] = sum(map(len, self.objects(progress)))
        return +found

    @functools.cached_property
    def _dynamodb(self) -> Any:
        return self.stage.session.client("dynamodb", config=PATIENT)

    @functools.cached_property
    def _s3(self) -> Any:
        return self.stage.session.client("s3", config=PATIENT)


def delete_all(data: BankData, banks: Registry, progress: Progress) -> tuple[Counter[str], Mapping[str, int]]:
    """Delete all of a disabled bank's data; return how much there was, and what a last look still finds.

    Calling it again goes on where it stopped.
    """
    deleted = Counter[str]()
    left: Mapping[str, int] = {}
    banks.revoke_keys(data.bank)
    for _ in range(_ROUNDS):
        for table in TABLES:
            deleted[table] += data.delete_rows(table, progress)
        deleted["archive"] += data.delete_objects(progress)
        deleted += data.delete_elsewhere()
        left = data.left(progress)
        if not left:
            break
    return +deleted, left


def leave(data: BankData, banks: Registry, confirm: str | None, wait_s: int) -> int:
    """Delete a bank with all of its data, and print what was deleted; return 1 while something is left.

    Without `confirm`, which is the bank's id again, it only counts. Raises BankRefused.
    """
    if confirm is None:
        _print_counts(f"{data.bank} has", _look(data))
        print(f"Nothing was deleted. To delete it all, for good: add --confirm {data.bank}")
        return 0
    if confirm != data.bank:
        raise BankRefused("--confirm must be the bank's id again: nothing was deleted.")
    is_there = banks.store.bank(data.bank) is not None
    if is_there or _look(data):
        note_change(data.stage, data.bank, "bank.delete", ("bank", "keys", "data"))
    if is_there:
        banks.set_disabled(data.bank, disabled=True)
        print(f"{data.bank} is disabled. Waiting {wait_s} s for functions that know it still …", flush=True)
        time.sleep(wait_s)
    with _progress("deleting") as progress:
        deleted, left = delete_all(data, banks, progress)
    _print_counts("deleted", deleted)
    if left:
        _print_counts("LEFT", left)
        print("Something still wrote in the meantime: run the command again.")
        return 1
    print(f"A last look at every table and at the archive found nothing of {data.bank}.")
    return 0


def _look(data: BankData) -> Counter[str]:
    with _progress("reading") as progress:
        return data.left(progress)


@contextlib.contextmanager
def _progress(doing: str) -> Iterator[Progress]:
    """Show a bar on standard error for as long as it takes, where that is over two seconds."""
    with tqdm(desc=doing, unit="row", delay=_BAR_AFTER_S) as bar:
        yield bar.update


def _print_counts(title: str, counts: Mapping[str, int]) -> None:
    print(f"{title}: " + (", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "nothing"))


@contextlib.contextmanager
def _unless(*codes: str) -> Iterator[None]:
    """Pass over AWS's refusals with these codes: there is no such thing."""
    try:
        yield
    except ClientError as error:
        if error_code(error) not in codes:
            raise
