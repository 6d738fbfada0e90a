"""The stage as the project's own files describe it: the data stack's template, and the functions' timeouts."""

import json
from pathlib import Path
from typing import Any

import yaml

from simulation.before import ACCOUNT, REGION

PROJECT = Path(__file__).parent.parent

# The readers of the queues: the queue by its resource in the template, its function, and its batch.
READERS = {
    "IngestQueue": ("ingest_worker", 10),
    "NotificationQueue": ("mailer", 10),
    "AlertQueue": ("alert_mailer", 10),
    "FeedbackQueue": ("feedback", 100),
    "OperatorAlertsQueue": ("operator_alerts", 100),
    "WebhookQueue": ("webhook_sender", 10),
}
# What runs by the clock: how often, in seconds. The nightly reconciliation runs four times a day, for more to look at.
SCHEDULED = {"analytics_job": 60, "release_deferred": 60, "statements": 60, "nightly_reconciliation": 6 * 3600}


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short tags: a reference is its target's name."""


def _tag(loader: yaml.SafeLoader, _suffix: str, node: yaml.Node) -> Any:
    return loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None


_Loader.add_multi_constructor("!", _tag)
TEMPLATE: Any = yaml.load((PROJECT / "infra" / "data.yaml").read_text(), _Loader)  # noqa: S506  # nosec B506
_STAGES = json.loads((PROJECT / ".chalice" / "config.json").read_text())["stages"]
TIMEOUTS = {name: one["lambda_timeout"] for name, one in _STAGES["local"]["lambda_functions"].items()}


def environment() -> dict[str, str]:
    """Return the settings of the simulated stage: every resource has its name in the template."""
    from chalicelib.aws.stage import variables

    known = {
        "STAGE": "simulation",
        "TRANSACTIONS_STREAM_ARN": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/TransactionsTable/stream/1",
        "AUDIT_TRAIL": "AuditTable/10",
        "CURSOR_SECRET_ARN": "cursors",
        "PREFERENCES_SECRET_ARN": "links",
        "OPERATOR_ALERTS_TOPIC_ARN": f"arn:aws:sns:{REGION}:{ACCOUNT}:operators",
        "MAIL_FROM": "EAZYCard <alerts@example.com>",
        "RECORDED_SHARDS": "4",
        "KEEP_DAYS": "400 90 90",
        "PUBLIC_URL": "https://alerts.example.com",
    }
    names = {output: variable for output, variable in variables().items() if variable not in known}
    return known | {variable: _resource(output) for output, variable in names.items()}


def _resource(output: str) -> str:
    """Return the value of an output: the URL of a queue, or the resource's name."""
    name = output.removesuffix("Url")
    return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}" if output.endswith("Url") else name
