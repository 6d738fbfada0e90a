"""A stage in one process: the functions of `app.py`, and the tables, queues and streams of `infra/data.yaml` for them.

Each function runs in copies, each with its own caches and a clock of its own that is a little wrong. A copy that is
killed is gone. A function that takes longer than its timeout is killed.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any

from simulation.before import ACCOUNT, REGION
from simulation.deliveries import Queues, SqsQueue, Stream
from simulation.dynamodb import DynamoDB
from simulation.faults import FAIR, Caller, Weather
from simulation.functions import Context, Copy, Counts
from simulation.notes import note_of
from simulation.scheduler import Killed, Process, Scheduler
from simulation.served import Client, Routed, ServedApp
from simulation.services import S3, Endpoint, EventBridge, SecretsManager, SentEmail, Ses, Sns
from simulation.tables import value_at
from simulation.template import READERS, TEMPLATE, TIMEOUTS

_SKEW_S = 1.0  # how wrong a copy's clock may be
_TWICE_AS_OFTEN = 15  # a schedule's event, as a message: a job runs but once a minute
_TWICE_WITHIN_S = 2.0  # of a schedule's second invocation: a run and its double see the same, or not quite
_JOBS_REST_S = 300.0  # between two runs of a job, when nothing happens any more


class Stage:
    """All of a stage, on the scheduler's clock."""

    def __init__(self, scheduler: Scheduler) -> None:
        import app as app_module
        from chalicelib.webhooks.poster import Poster

        self.scheduler = scheduler
        self.weather = FAIR
        self.caller = Caller(scheduler, FAIR)
        self.counts = Counts()
        self._jobs: list[Callable[[], None]] = []
        self._jobs_rest_s = 0.0
        self.deferred = 0  # notices that waited in the table for quiet hours to end, or as a digest
        self.poisoned: set[str] = set()  # queues and tables with something that nobody can read, for a dead letter
        self._app = app_module
        self._copies: dict[str, list[Copy]] = defaultdict(list)
        self._running: dict[Process, Copy] = {}
        resources = TEMPLATE["Resources"]
        self.queues = Queues(scheduler, self.caller, self.invoke)
        for name, resource in resources.items():
            if resource["Type"] == "AWS::SQS::Queue":
                self.queues.by_name[name] = SqsQueue(name)
        for name, queue in self.queues.by_name.items():
            self._set_up(queue, resources[name]["Properties"], *READERS.get(name, (None, 10)))
        self.dynamodb = DynamoDB(resources, scheduler, self.caller, self._changed)
        self.dynamodb.watch(self._count_deferred)
        self.streams = {
            name: Stream(scheduler, self.caller, self.invoke)
            for name, table in self.dynamodb.tables.items()
            if table.has_stream
        }
        self.streams["TransactionsTable"].read_by("transaction_stream", 100)
        self.streams["TransactionsTable"].read_by("archiver", 5000)
        self.streams["AccountsTable"].read_by("holder_changes", 100)
        self.streams["NotificationsTable"].read_by("webhook_feeder", 100, _is_page_of_feed)
        self.ses = Ses(scheduler, self.caller, lambda body: self.queues.put(self.queue("FeedbackQueue"), body))
        self.events = EventBridge(self.caller, lambda body: self.queues.put(self.queue("OperatorAlertsQueue"), body))
        self.s3, self.sns = S3(), Sns()
        self._services: dict[str, Any] = {
            "dynamodb": self.dynamodb,
            "sqs": self.queues,
            "sesv2": self.ses,
            "events": self.events,
            "s3": self.s3,
            "sns": self.sns,
            "secretsmanager": SecretsManager(),
        }
        self.endpoint = Endpoint(scheduler, self.caller)
        self._aliases = count()
        self.own = self._new_services(timedelta())  # for the run's own reads and the bank's enrolment: no faults
        app_module.services = Routed(self.running_services)  # type: ignore[assignment]
        app_module.app.__class__ = ServedApp
        Poster.post = self._post  # type: ignore[assignment, method-assign]

    def begin(self, weather: Weather) -> None:
        """Let AWS misbehave like this from now on."""
        self.weather = self.caller.weather = weather

    def clear_up(self) -> None:
        """Let AWS behave well from now on."""
        self.caller.weather = FAIR
        self.caller.down_until.clear()
        self._jobs_rest_s = _JOBS_REST_S
        for invoke in self._jobs:  # the next time of one may be hours away
            self.scheduler.after(_JOBS_REST_S, invoke)

    def queue(self, name: str) -> SqsQueue:
        return self.queues.by_name[name]

    def call(self, service: str, operation: str, **arguments: Any) -> Any:
        """Make a function's call of a service."""
        running = self.scheduler.running
        if running is not None and self.scheduler.now > self._running[running].deadline:
            self.counts.killed["timeout"] += 1
            raise Killed
        do = partial(getattr(self._services[service], operation), **arguments)
        doubt = self.ses.doubt if service == "sesv2" and operation == "send_bulk_email" else lambda: None
        return self.caller.call(service, operation, do, doubt)

    def running_services(self) -> Any:
        """Return the services of the copy that runs now."""
        running = self.scheduler.running
        return self.own if running is None else self._running[running].services

    def invoke(self, function: str, event: dict[str, Any], ended: Callable[[Any, Any], None]) -> None:
        """Invoke a function, in a copy that is idle or new."""
        idle = [copy for copy in self._copies[function] if not copy.is_busy]
        copy = idle[0] if idle else self._new_copy(function)
        copy.is_busy = True
        self.counts.invocations[function] += 1

        processes: list[Process] = []

        def run() -> Any:
            process = self.scheduler.running
            if process is None:
                raise RuntimeError("a function runs in a process only")
            self._running[process] = copy
            processes.append(process)
            copy.deadline = self.scheduler.now + timedelta(seconds=TIMEOUTS[function])
            handler = self._app.app if function == "api_handler" else getattr(self._app, function)
            return handler(event, Context(copy, lambda: self.scheduler.now))

        def over(result: Any, error: Any) -> None:
            copy.is_busy = False
            if error is not None:
                self.ses.died(processes[0], self._is_noted)
            if isinstance(error, Killed):
                self.counts.killed[function] += 1
                self._copies[function].remove(copy)
            elif error is not None:
                self.counts.errors[f"{function}: {type(error).__name__}"] += 1
                if type(error).__name__ not in ("TemporarilyUnavailable", "RollUpsMoved", "ReadTimeoutError"):
                    raise error
            ended(result, error)

        self.scheduler.start(function, run, over)

    def every(self, function: str, seconds: float) -> None:
        """Invoke a function again and again, also while it still runs."""
        event = {"version": "0", "id": "id", "detail-type": "Scheduled Event", "source": "aws.events"}
        event |= {"account": ACCOUNT, "time": "", "region": REGION, "resources": [], "detail": {}}  # type: ignore[dict-item]
        invoke = partial(self.invoke, function, event, lambda _result, _error: None)
        self._jobs.append(invoke)

        def again() -> None:
            invoke()
            if self.scheduler.random.random() < _TWICE_AS_OFTEN * self.caller.weather.twice:
                self.scheduler.after(self.scheduler.random.uniform(0, _TWICE_WITHIN_S), invoke)
            wait_s = max(seconds, self._jobs_rest_s)
            self.scheduler.after(wait_s * self.scheduler.random.uniform(0.9, 1.1), again)

        self.scheduler.after(seconds * self.scheduler.random.random(), again)

    def analytics_of(self, bank: str) -> dict[str, Any]:
        """Return a bank's analytics of all days of a run, as `GET /analytics` has them."""
        from chalicelib.analytics.summary import summary

        until = self.scheduler.now.date()
        days, _ = self.own.analytics.of_bank(bank, until - timedelta(days=400), until)
        return summary(days)

    def is_quiet(self) -> bool:
        """Return whether nothing waits in a queue that is read, in a stream, for quiet hours to end or to be due."""
        waiting = any(queue.messages for queue in self.queues.by_name.values() if queue.reader)
        deferred = any("notice" in item for item in self.dynamodb.items("DeferralsTable"))
        now = self.scheduler.now.isoformat()
        due = any(str(value_at(item, "due")) < now for item in self.dynamodb.items("StatementsTable"))
        return not (waiting or deferred or due) and all(stream.is_read() for stream in self.streams.values())

    def _post(self, _url: str, headers: Mapping[str, str], body: bytes) -> Any:
        """Stand in for the poster's own connection to a bank."""
        from chalicelib.webhooks.poster import Answer

        status = self.endpoint.post(headers, body)
        return Answer(problem="timeout") if status is None else Answer(status)

    def _is_noted(self, email: SentEmail) -> bool:
        note = note_of(self.dynamodb, f"{email.bank}#{email.transaction}", email.holder)
        return note is not None and value_at(note, "state") != "queued"

    def _set_up(self, queue: SqsQueue, properties: dict[str, Any], reader: str | None, batch: int) -> None:
        visibility = properties.get("VisibilityTimeout", 0)
        parameter = TEMPLATE["Parameters"].get(visibility, {}) if isinstance(visibility, str) else {}
        queue.visibility_s = int(parameter.get("Default", 0) if parameter else visibility)
        queue.reader, queue.batch = reader, batch
        if redrive := properties.get("RedrivePolicy"):
            queue.max_receives = redrive["maxReceiveCount"]
            queue.dead_letters = self.queues.by_name[redrive["deadLetterTargetArn"].partition(".")[0]]

    def _new_copy(self, function: str) -> Copy:
        skew = timedelta(seconds=self.scheduler.random.uniform(-_SKEW_S, _SKEW_S))
        copy = Copy(function, skew, self._new_services(skew), self.scheduler.now)
        self.counts.copies[function] += 1
        self._copies[function].append(copy)
        return copy

    def _new_services(self, skew: timedelta) -> Any:
        import os

        from chalicelib.aws.stage import from_environment
        from chalicelib.holders.repository import HolderRepository
        from chalicelib.services import Services

        settings = from_environment(os.environ)
        clients: dict[str, Client] = {}

        def client(service: str) -> Client:
            return clients.setdefault(service, Client(self.call, service))

        services = Services(settings, client, lambda: self.scheduler.now + skew)
        # Not random: a seed gives the same run.
        services.holders = HolderRepository(
            client("dynamodb"), settings.accounts_table, make_alias=lambda: f"alias-{next(self._aliases)}"
        )
        return services

    def _count_deferred(self, table: str, before: Any, after: Any) -> None:
        self.deferred += table == "DeferralsTable" and before is None and "notice" in (after or {})

    def _changed(self, table: str, key: dict[str, Any], before: Any, after: Any) -> None:
        self.streams[table].add(key, before, after)


def _is_page_of_feed(record: dict[str, Any]) -> bool:
    """The release's filter of the feeder's stream."""
    key = record["dynamodb"]["Keys"]["transaction_key"]["S"]
    return record["eventName"] == "INSERT" and str(key).startswith("feed#")
