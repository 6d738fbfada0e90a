"""Provisioning: the data stack comes up, its outputs are recorded for Chalice, and git never sees them."""

import json
import re
from pathlib import Path
from string import Template
from typing import Any

import boto3
import pytest

from chalicelib.analytics.repository import AnalyticsRepository
from chalicelib.aws.stage import from_environment, variables
from chalicelib.mail.sender import sender_in
from infra import capacity, provision, stacks
from infra.capacity import refuse_capacity
from infra.provision import deploy_data_stack, record, with_arns
from infra.settings_filter import without_environments
from infra.stacks import StackFailed, deploy, exists, parameters, stack_name
from tests.clone import CONFIG, PROJECT_DIR, git, lay_files
from tests.moto_server import UNCONFINED

LOGS = {"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"}
READ_STREAM = {"DescribeStream", "GetRecords", "GetShardIterator"}
READ_QUEUE = {"ReceiveMessage", "DeleteMessage", "GetQueueAttributes"}
SEND = {"SendMessage"}
# SES checks the older action too, and inline templates as templates ("Service Authorization Reference": Amazon SES).
SEND_MAIL = {"ses:SendBulkEmail", "ses:SendBulkTemplatedEmail"}
KEEP = {"GetItem", "BatchGetItem", "PutItem", "UpdateItem", "BatchWriteItem"}

# Each signing bank has one, made when the bank begins to sign; and each whom webhooks are sent to.
SIGNING_SECRETS = "arn:${Partition}:secretsmanager:${Region}:${Account}:secret:transaction-notifier-${Stage}-signing-*"
WEBHOOK_SECRETS = SIGNING_SECRETS.replace("-signing-", "-webhook-")
MAIL_TEMPLATES = "arn:${Partition}:ses:${Region}:${Account}:template/*"
# Those with the stage's tag: each is of a bank's own domain.
BANK_IDENTITIES = "arn:${Partition}:ses:${Region}:${Account}:identity/*"

# What each function may do, and to what. A new permission is written down here too.
PERMISSIONS = {
    "api_handler": {
        "${TransactionsTableArn}": {
            f"dynamodb:{action}" for action in ("PutItem", "GetItem", "BatchGetItem", "UpdateItem")
        },
        "${TransactionsTableArn}/index/by_account": {"dynamodb:Query"},
        "${TransactionsTableArn}/index/by_bank": {"dynamodb:Query"},
        "${TransactionsTableArn}/index/by_recorded": {"dynamodb:Query"},
        "${AnalyticsTableArn}": {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:BatchGetItem"},
        "${AuditTableArn}": {"dynamodb:PutItem", "dynamodb:Query"},
        "${AuditTableArn}/index/by_subject": {"dynamodb:Query"},
        "${CasesTableArn}": {"dynamodb:GetItem", "dynamodb:PutItem"},
        "${CasesTableArn}/index/by_queue": {"dynamodb:Query"},
        "${CasesTableArn}/index/by_day": {"dynamodb:Query"},
        "${AddressesTableArn}": {
            f"dynamodb:{action}" for action in ("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query")
        },
        "${StatementsTableArn}": {"dynamodb:BatchWriteItem"},
        "${NotificationsTableArn}": {"dynamodb:Query", "dynamodb:BatchGetItem"},
        "${AccountsTableArn}": {"dynamodb:UpdateItem", "dynamodb:BatchGetItem"},
        "${BanksTableArn}": {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"},
        "${DeferralsTableArn}": {
            f"dynamodb:{action}" for action in ("Query", "GetItem", "PutItem", "UpdateItem", "BatchWriteItem")
        },
        "${OperatorAlertsTopicArn}-*": {"sns:CreateTopic", "sns:Publish", "sns:Subscribe"},
        "*": {"sns:GetSubscriptionAttributes", "sns:Unsubscribe"},
        "${CursorSecretArn}": {"secretsmanager:GetSecretValue"},
        "${PreferencesSecretArn}": {"secretsmanager:GetSecretValue"},
        "signing secrets": {"secretsmanager:GetSecretValue"},
        "webhook secrets": {"secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"},
        "${IngestQueueArn}": {f"sqs:{action}" for action in SEND},
        "${WebhookQueueArn}": {f"sqs:{action}" for action in SEND},
        "${FeedbackQueueArn}": {f"sqs:{action}" for action in SEND},
        "log group /aws/lambda/transaction-notifier-${Stage}": LOGS,
    },
    "ingest_worker": {
        "${IngestQueueArn}": {f"sqs:{action}" for action in READ_QUEUE},
        "${IngestDeadLetterQueueArn}": {f"sqs:{action}" for action in SEND},
        "${TransactionsTableArn}": {"dynamodb:PutItem", "dynamodb:GetItem"},
        "log group /aws/lambda/transaction-notifier-${Stage}-ingest_worker": LOGS,
    },
    "transaction_stream": {
        "${TransactionsStreamArn}": {f"dynamodb:{action}" for action in READ_STREAM},
        "*": {"dynamodb:ListStreams"},
        "${BanksTableArn}": {"dynamodb:GetItem"},
        "${AnalyticsTableArn}": {"dynamodb:BatchGetItem"},
        "${TransactionsTableArn}": {"dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"},
        "${CasesTableArn}": {"dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem"},
        "${NotificationsTableArn}": {"dynamodb:BatchGetItem", "dynamodb:PutItem"},
        "${TransactionsTableArn}/index/by_account": {"dynamodb:Query"},
        "${AlertQueueArn}": {f"sqs:{action}" for action in SEND},
        "${NotificationQueueArn}": {f"sqs:{action}" for action in SEND},
        "${WebhookQueueArn}": {f"sqs:{action}" for action in SEND},
        "${DeferralsTableArn}": {"dynamodb:UpdateItem"},
        "${EventBusArn}": {"events:PutEvents"},
        "${StreamDeadLetterQueueArn}": {f"sqs:{action}" for action in SEND},
        "${FailedBatchesBucketArn}/*": {"s3:PutObject"},
        "${FailedBatchesBucketArn}": {"s3:ListBucket"},
        "log group /aws/lambda/transaction-notifier-${Stage}-transaction_stream": LOGS,
    },
    "archiver": {
        "${TransactionsStreamArn}": {f"dynamodb:{action}" for action in READ_STREAM},
        "*": {"dynamodb:ListStreams"},
        "${ArchiveBucketArn}/bank=*": {"s3:PutObject"},
        "${FailedBatchesBucketArn}/*": {"s3:PutObject"},
        "${FailedBatchesBucketArn}": {"s3:ListBucket"},
        "log group /aws/lambda/transaction-notifier-${Stage}-archiver": LOGS,
    },
    "holder_changes": {
        "${AccountsStreamArn}": {f"dynamodb:{action}" for action in READ_STREAM},
        "${BanksTableArn}": {"dynamodb:GetItem"},
        "${EventBusArn}": {"events:PutEvents"},
        "${AlertQueueArn}": {f"sqs:{action}" for action in SEND},
        "${WebhookQueueArn}": {f"sqs:{action}" for action in SEND},
        "${StreamDeadLetterQueueArn}": {f"sqs:{action}" for action in SEND},
        "${FailedBatchesBucketArn}/*": {"s3:PutObject"},
        "${FailedBatchesBucketArn}": {"s3:ListBucket"},
        "log group /aws/lambda/transaction-notifier-${Stage}-holder_changes": LOGS,
        "*": {"dynamodb:ListStreams"},
    },
    "mailer": {
        "${NotificationQueueArn}": {f"sqs:{action}" for action in READ_QUEUE | SEND},
        "${NotificationDeadLetterQueueArn}": {f"sqs:{action}" for action in SEND},
        "${AccountsTableArn}": {"dynamodb:BatchGetItem"},
        "${TransactionsTableArn}": {"dynamodb:BatchGetItem"},
        "${BanksTableArn}": {"dynamodb:GetItem"},
        "${NotificationsTableArn}": {
            f"dynamodb:{action}" for action in ("GetItem", "PutItem", "UpdateItem", "BatchWriteItem", "BatchGetItem")
        },
        "${DeferralsTableArn}": {
            f"dynamodb:{action}" for action in ("GetItem", "Query", "UpdateItem", "BatchWriteItem")
        },
        "${PreferencesSecretArn}": {"secretsmanager:GetSecretValue"},
        "${MailAddressArn}": SEND_MAIL,
        "${MailDomainArn}": SEND_MAIL,
        "${MailIdentityArn}": SEND_MAIL,
        "${MailConfigurationSetArn}": SEND_MAIL,
        "mail templates": SEND_MAIL,
        "identities of banks": SEND_MAIL,
        "*": {"ses:GetAccount"},
        "log group /aws/lambda/transaction-notifier-${Stage}-mailer": LOGS,
        "${OperatorAlertsTopicArn}-*": {"sns:Publish"},
    },
    "alert_mailer": {
        "${AlertQueueArn}": {f"sqs:{action}" for action in READ_QUEUE | SEND},
        "${NotificationDeadLetterQueueArn}": {f"sqs:{action}" for action in SEND},
        "${AccountsTableArn}": {"dynamodb:BatchGetItem"},
        "${TransactionsTableArn}": {"dynamodb:BatchGetItem"},
        "${BanksTableArn}": {"dynamodb:GetItem"},
        "${NotificationsTableArn}": {
            f"dynamodb:{action}" for action in ("GetItem", "PutItem", "UpdateItem", "BatchWriteItem", "BatchGetItem")
        },
        "${DeferralsTableArn}": {
            f"dynamodb:{action}" for action in ("GetItem", "Query", "UpdateItem", "BatchWriteItem")
        },
        "${PreferencesSecretArn}": {"secretsmanager:GetSecretValue"},
        "${MailAddressArn}": SEND_MAIL,
        "${MailDomainArn}": SEND_MAIL,
        "${MailIdentityArn}": SEND_MAIL,
        "${MailConfigurationSetArn}": SEND_MAIL,
        "mail templates": SEND_MAIL,
        "identities of banks": SEND_MAIL,
        "*": {"ses:GetAccount"},
        "log group /aws/lambda/transaction-notifier-${Stage}-alert_mailer": LOGS,
        "${OperatorAlertsTopicArn}-*": {"sns:Publish"},
    },
    "operator_alerts": {
        "${OperatorAlertsQueueArn}": {f"sqs:{action}" for action in READ_QUEUE},
        "${OperatorAlertsDeadLetterQueueArn}": {f"sqs:{action}" for action in SEND},
        "${OperatorAlertsTopicArn}-*": {"sns:Publish"},
        "log group /aws/lambda/transaction-notifier-${Stage}-operator_alerts": LOGS,
    },
    "release_deferred": {
        "${DeferralsTableArn}": {f"dynamodb:{action}" for action in ("Query", "GetItem", "PutItem", "BatchWriteItem")},
        "${NotificationQueueArn}": {f"sqs:{action}" for action in SEND},
        "${NotificationDeadLetterQueueArn}": {f"sqs:{action}" for action in SEND},
        "log group /aws/lambda/transaction-notifier-${Stage}-release_deferred": LOGS,
        "${AlertQueueArn}": {f"sqs:{action}" for action in SEND},
    },
    "statements": {
        "${DeferralsTableArn}": {"dynamodb:UpdateItem"},
        "${StatementsTableArn}": {f"dynamodb:{action}" for action in ("Query", "GetItem", "PutItem", "BatchWriteItem")},
        "${NotificationDeadLetterQueueArn}": {f"sqs:{action}" for action in SEND},
        "${AccountsTableArn}": {"dynamodb:BatchGetItem"},
        "${TransactionsTableArn}/index/by_account": {"dynamodb:Query"},
        "${BanksTableArn}": {"dynamodb:GetItem"},
        "${NotificationsTableArn}": {
            f"dynamodb:{action}" for action in ("GetItem", "PutItem", "UpdateItem", "BatchWriteItem", "BatchGetItem")
        },
        "${PreferencesSecretArn}": {"secretsmanager:GetSecretValue"},
        "${MailAddressArn}": SEND_MAIL,
        "${MailDomainArn}": SEND_MAIL,
        "${MailIdentityArn}": SEND_MAIL,
        "${MailConfigurationSetArn}": SEND_MAIL,
        "mail templates": SEND_MAIL,
        "identities of banks": SEND_MAIL,
        "*": {"ses:GetAccount"},
        "log group /aws/lambda/transaction-notifier-${Stage}-statements": LOGS,
    },
    "feedback": {
        "${FeedbackQueueArn}": {f"sqs:{action}" for action in READ_QUEUE | SEND},
        "${FeedbackDeadLetterQueueArn}": {f"sqs:{action}" for action in SEND},
        "${BanksTableArn}": {"dynamodb:GetItem"},
        "${NotificationsTableArn}": {"dynamodb:BatchGetItem", "dynamodb:UpdateItem", "dynamodb:BatchWriteItem"},
        "${DeferralsTableArn}": {"dynamodb:UpdateItem"},
        "${AddressesTableArn}": {f"dynamodb:{action}" for action in ("GetItem", "PutItem", "UpdateItem", "Query")},
        "${AccountsTableArn}": {"dynamodb:BatchGetItem", "dynamodb:UpdateItem"},
        "log group /aws/lambda/transaction-notifier-${Stage}-feedback": LOGS,
    },
    "webhook_feeder": {
        "${NotificationsStreamArn}": {f"dynamodb:{action}" for action in READ_STREAM},
        "*": {"dynamodb:ListStreams"},
        "${BanksTableArn}": {"dynamodb:GetItem"},
        "${NotificationsTableArn}": {"dynamodb:BatchGetItem"},
        "${AccountsTableArn}": {"dynamodb:BatchGetItem"},
        "${WebhookQueueArn}": {f"sqs:{action}" for action in SEND},
        "${WebhookDeadLetterQueueArn}": {f"sqs:{action}" for action in SEND},
        "${FailedBatchesBucketArn}/*": {"s3:PutObject"},
        "${FailedBatchesBucketArn}": {"s3:ListBucket"},
        "log group /aws/lambda/transaction-notifier-${Stage}-webhook_feeder": LOGS,
    },
    "webhook_sender": {
        "${WebhookQueueArn}": {f"sqs:{action}" for action in READ_QUEUE | SEND},
        "${WebhookDeadLetterQueueArn}": {f"sqs:{action}" for action in SEND},
        "${BanksTableArn}": {"dynamodb:GetItem", "dynamodb:UpdateItem"},
        "${NotificationsTableArn}": {"dynamodb:BatchGetItem", "dynamodb:BatchWriteItem"},
        "${DeferralsTableArn}": {"dynamodb:BatchWriteItem", "dynamodb:UpdateItem"},
        "webhook secrets": {"secretsmanager:GetSecretValue"},
        "log group /aws/lambda/transaction-notifier-${Stage}-webhook_sender": LOGS,
    },
    "analytics_job": {
        "${TransactionsTableArn}/index/by_recorded": {"dynamodb:Query"},
        "${AnalyticsTableArn}": {f"dynamodb:{action}" for action in KEEP},
        "log group /aws/lambda/transaction-notifier-${Stage}-analytics_job": LOGS,
    },
    "nightly_reconciliation": {
        "${TransactionsTableArn}/index/by_recorded": {"dynamodb:Query"},
        "${AnalyticsTableArn}": {"dynamodb:GetItem", "dynamodb:Query"},
        "log group /aws/lambda/transaction-notifier-${Stage}-nightly_reconciliation": LOGS,
    },
}

# A subscriber of another protocol would get banks' alerts without confirming anything.
_E_MAIL_ONLY = {"StringEquals": {"sns:Protocol": "email"}}
# The rows that a statement of a role is limited to, by the beginnings of their partition keys. The banks' table holds
# API keys' hashes too: a function that answers the world must not be able to write any, and one that talks to hosts of
# banks' choice need not even know them.
ROWS: dict[str, dict[str, list[str]]] = {
    "alert_mailer": {
        "NameTheBank": ["bank#*", "settings#*"],
        "ReadWhatIsBooked": ["pacing"],
        "CountEmails": ["allowance#*", "asked#*", "quota#*", "activity#*"],
        "ReadQuotas": ["quota#*"],
        "ReadDigests": ["digest#*", "alerts#*"],
    },
    "api_handler": {
        "KeepAnswersBesideFlags": ["*#flags"],
        "KeepSettingsOnly": ["settings#*"],
        "ProveEndpointsOnly": ["settings#*"],
        "ReadTheCheckpoint": ["job"],
        "ReadRollUps": ["bank#*"],
        "ReadAttempts": ["webhook_attempts#*"],
        "TakeWebhooksAgain": ["webhook#*"],
        "LogAttempts": ["webhook#*", "webhook_attempts#*"],
        "CountWhatBanksMay": ["quota#*"],
        "RememberSignedRequests": ["signed#*"],
        "ReadQuotas": ["quota#*"],
        "ReadActivity": ["activity#*"],
        "ReadUsualAmounts": ["account#*"],
    },
    "feedback": {"FindBanks": ["bank#*"], "CountActivity": ["activity#*"]},
    "holder_changes": {"FindEndpoints": ["bank#*", "settings#*"]},
    "mailer": {
        "NameTheBank": ["bank#*", "settings#*"],
        "ReadWhatIsBooked": ["pacing"],
        "CountEmails": ["allowance#*", "asked#*", "quota#*", "activity#*"],
        "ReadQuotas": ["quota#*"],
        "ReadDigests": ["digest#*", "alerts#*"],
    },
    "nightly_reconciliation": {"ReadTheCheckpoint": ["job"], "ReadRollUps": ["bank#*"]},
    "release_deferred": {"KeepTheCheckpoint": ["checkpoint"]},
    "statements": {
        "KeepTheCheckpoint": ["checkpoint"],
        "NameTheBank": ["bank#*"],
        "ReadWhatIsBooked": ["pacing"],
        "CountActivity": ["activity#*"],
    },
    "transaction_stream": {
        "KeepOutcomesBesideFlags": ["*#flags"],
        "ReadThresholdsAndEndpoints": ["bank#*", "settings#*"],
        "ReadHistories": ["account#*"],
        "CountActivity": ["activity#*"],
    },
    "webhook_feeder": {"FindEndpoints": ["bank#*", "settings#*"]},
    "webhook_sender": {
        "FindEndpoints": ["bank#*", "settings#*"],
        "DisableEndpointsOnly": ["settings#*"],
        "LogAttempts": ["webhook#*", "webhook_attempts#*"],
        "CountActivity": ["activity#*"],
    },
}
OTHER_CONDITIONS: dict[str, dict[str, Any]] = {
    "SubscribeOperators": _E_MAIL_ONLY,
    "SendMailFromBanksDomains": {"StringEquals": {"aws:ResourceTag/transaction-notifier-stage": "${Stage}"}},
}


@pytest.fixture(scope="module")
def outputs(session: boto3.session.Session) -> dict[str, str]:
    """What a provisioned stage's stack says, as roles and settings need it."""
    return deploy_data_stack(session, "prod", mail_from="EAZYCard <alerts@mail.example.com>", poll_s=0.01)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A git clone of the files that recording is about."""
    lay_files(tmp_path, [CONFIG, ".gitattributes", ".gitignore", "infra/settings_filter.py"])
    return tmp_path


def in_git(name: str) -> str:
    """Return a file of this repository as git has it, whatever has been recorded in the working tree."""
    return git(PROJECT_DIR, "show", f":{name}")


def policy(function: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((PROJECT_DIR / "infra" / "policies" / f"{function}.json").read_text())
    return content


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_the_stages_environment_holds_every_setting_of_the_stack(clone: Path, outputs: dict[str, str]) -> None:
    record(clone, "prod", outputs)

    recorded = json.loads((clone / CONFIG).read_text())["stages"]["prod"]["environment_variables"]
    settings = from_environment(recorded)
    assert settings.stage == "prod"
    assert settings.mail_from == "EAZYCard <alerts@mail.example.com>"
    assert settings.transactions_table == outputs["TransactionsTable"]
    assert outputs["TransactionsStreamArn"].startswith(f"{outputs['TransactionsTableArn']}/stream/")
    assert set(recorded) == {*variables().values(), "STAFF_POOL"}
    assert settings.staff_pool == outputs["StaffPool"]


def test_recording_one_stage_leaves_the_others_and_recording_again_replaces(
    clone: Path, outputs: dict[str, str]
) -> None:
    before = json.loads((clone / CONFIG).read_text())

    record(clone, "prod", outputs)
    record(clone, "prod", {**outputs, "MailFrom": "new@example.com"})

    after = json.loads((clone / CONFIG).read_text())
    assert after["stages"]["prod"].pop("environment_variables")["MAIL_FROM"] == "new@example.com"
    assert after == before


def generated(field: str, stage: str, region: str) -> str:
    """Return what CloudFormation would name a setting's resource, at its longest."""
    stack = f"transaction-notifier-{stage}-data"
    logical = "".join(word.capitalize() for word in field.split("_")[:-1])
    name = f"{stack}-{logical}-ABCDEFGHIJKL"
    match field.rpartition("_")[2]:
        case "url":
            return f"https://sqs.{region}.amazonaws.com/123456789012/{name[:80]}"
        case "arn" if "stream" in field:
            return f"arn:aws:dynamodb:{region}:123456789012:table/{name}/stream/2026-01-01T00:00:00.000"
        case "arn" if "secret" in field:
            return f"arn:aws:secretsmanager:{region}:123456789012:secret:{logical}-ABCDEFGHIJKL-abcdef"
        case "arn":
            return f"arn:aws:sqs:{region}:123456789012:{name[:80]}"
        case "queue":
            return name[:80]
        case "label":
            return "2026-01-01T00:00:00.000"
        case "trail":
            return f"{stack}-AuditTable-ABCDEFGHIJKL/100"
        case "bucket":
            return f"{stack}-archivebucket-abcdefghijkl"[:63]
        case _:
            return name


def longest(stage: str, region: str) -> dict[str, str]:
    """Return a data stack's outputs whose settings are as long as they get."""
    names = {output: variable.lower() for output, variable in variables().items()}
    outputs = {output: generated(field, stage, region) for output, field in names.items()}
    mail_from = "EAZYCard Notifications <notifications@mail.eazycard.example>"
    others = {"Stage": stage, "MailFrom": mail_from, "PublicUrl": "https://notifications.eazycard.example/prod"}
    return outputs | others | {"StaffPool": f"{region}_AbCdEf123/1h57kf5cpq17m0eml12example/tn-{stage}-1a2b3c4d"}


def test_the_functions_settings_fit_into_what_lambda_takes_whatever_the_stage_and_region(
    clone: Path, outputs: dict[str, str]
) -> None:
    record(clone, "prod", {**outputs, **longest("sixteen0letters0", "ap-southeast-2")})


def test_settings_that_lambda_would_refuse_are_refused_and_the_stage_stays_as_it_was(
    clone: Path, outputs: dict[str, str]
) -> None:
    record(clone, "prod", outputs)
    before = (clone / ".chalice" / "config.json").read_text()
    with pytest.raises(StackFailed, match="Lambda allows 4096"):
        record(clone, "prod", {**outputs, **longest("prod", "us-east-2"), "PublicUrl": f"https://{'a' * 1000}.example"})
    assert (clone / ".chalice" / "config.json").read_text() == before


def test_each_functions_policy_is_recorded_where_the_stages_configuration_looks_for_it(
    clone: Path, outputs: dict[str, str]
) -> None:
    record(clone, "prod", outputs)

    functions = json.loads((clone / CONFIG).read_text())["stages"]["prod"]["lambda_functions"]
    for function, configuration in functions.items():
        recorded = json.loads((clone / ".chalice" / configuration["iam_policy_file"]).read_text())
        assert recorded == json.loads(Template(json.dumps(policy(function))).substitute(outputs))
    assert set(functions) == set(PERMISSIONS)


def test_the_sender_may_be_an_identity_of_its_address_or_of_its_domain(outputs: dict[str, str]) -> None:
    identities = "arn:aws:ses:us-east-2:123456789012:identity"

    assert outputs["MailAddressArn"] == f"{identities}/alerts@mail.example.com"
    assert outputs["MailDomainArn"] == f"{identities}/mail.example.com"


def test_the_sender_may_be_under_an_identity_of_a_parent_domain() -> None:
    arn = "arn:aws:dynamodb:us-east-2:123456789012:table/t"
    outputs = with_arns({"TransactionsTableArn": arn, "MailFrom": "A <a@mail.bank.com>", "MailIdentity": "bank.com"})
    assert outputs["MailIdentityArn"] == "arn:aws:ses:us-east-2:123456789012:identity/bank.com"
    assert outputs["MailDomainArn"] == "arn:aws:ses:us-east-2:123456789012:identity/mail.bank.com"


@pytest.mark.parametrize(
    ("mail_from", "address"),
    [("Banque Atlantique, Cameroun <a@x.example>", "a@x.example"), ("Crédit; Lyonnais <b@y.example>", "b@y.example")],
)
def test_the_roles_may_send_from_the_address_that_the_mails_have(mail_from: str, address: str) -> None:
    arn = "arn:aws:dynamodb:us-east-2:123456789012:table/t"
    outputs = with_arns({"TransactionsTableArn": arn, "MailFrom": mail_from})
    assert outputs["MailAddressArn"].endswith(f":identity/{address}")
    assert outputs["MailDomainArn"].endswith(f":identity/{address.partition('@')[2]}")
    assert sender_in(mail_from).header.endswith(f"<{address}>")


@pytest.mark.parametrize(
    "mail_from",
    ["EAZYCard", "EAZYCard <>", "A <a@x.example>, B <b@x.example>", "A\n<a@x.example>", "É <é@x.example>", ""],
)
def test_a_sender_that_no_mail_can_come_from_is_refused_before_anything_is_made(
    session: boto3.session.Session, mail_from: str
) -> None:
    with pytest.raises(StackFailed, match=r"^MAIL_FROM can't be used\..* write an address"):
        deploy_data_stack(session, "dev", mail_from=mail_from, poll_s=0.1)
    assert not exists(session.client("cloudformation"), stack_name("dev", "data"))


def test_an_identity_that_ses_has_already_is_refused_in_one_line_before_anything_is_made(
    session: boto3.session.Session,
) -> None:
    session.client("sesv2").create_email_identity(EmailIdentity="taken.example")
    with pytest.raises(StackFailed, match=r"taken\.example already: run this again without MAIL_IDENTITY"):
        deploy_data_stack(session, "dev", mail_from="a@taken.example", mail_identity="taken.example", poll_s=0.1)


def test_git_sees_no_change_after_recording(clone: Path, outputs: dict[str, str]) -> None:
    record(clone, "prod", outputs)

    assert outputs["TransactionsTable"] in (clone / CONFIG).read_text()
    assert git(clone, "status", "--porcelain") == ""
    git(clone, "add", "--all")
    assert git(clone, "diff", "--cached") == ""
    assert git(clone, "diff") == ""


def test_a_real_change_beside_recorded_settings_is_committed_without_them(clone: Path, outputs: dict[str, str]) -> None:
    record(clone, "prod", outputs)
    config = json.loads((clone / CONFIG).read_text())
    config["stages"]["prod"]["lambda_functions"]["mailer"]["lambda_timeout"] = 19
    (clone / CONFIG).write_text(json.dumps(config, indent=2) + "\n")

    git(clone, "commit", "--quiet", "--all", "--message", "Change")

    changed = git(clone, "show", "--format=", "--unified=0", "HEAD").splitlines()
    lines = [line for line in changed if re.match(r"[+-][^+-]", line)]
    assert [line.split() for line in lines] == [["-", '"lambda_timeout":', "20"], ["+", '"lambda_timeout":', "19"]]


def test_git_can_still_read_the_configuration_when_the_virtual_environment_is_gone(
    clone: Path, outputs: dict[str, str]
) -> None:
    record(clone, "prod", outputs)

    interpreter = Path(git(clone, "config", "filter.stage-settings.clean").split()[0])
    assert not any((folder / "pyvenv.cfg").exists() for folder in interpreter.parents)
    assert git(clone, "config", "filter.stage-settings.required") == "true\n"


def test_what_the_filter_lets_through_is_byte_for_byte_what_is_in_git() -> None:
    committed = in_git(CONFIG)

    assert without_environments(committed) == committed


def test_the_filter_changes_nothing_the_second_time() -> None:
    config = json.loads(in_git(CONFIG))
    for stage in config["stages"].values():
        stage["environment_variables"] = {"MAIL_FROM": "Zoë <zoe@example.com>"}

    once = without_environments(json.dumps(config))

    assert once == in_git(CONFIG)
    assert without_environments(once) == once


def test_nothing_of_an_account_is_in_the_configuration_in_git() -> None:
    committed = in_git(CONFIG)

    assert "environment_variables" not in committed
    assert not re.search(r"arn:|[0-9]{12}|amazonaws|[a-z]{2}-[a-z]+-[0-9]", committed)


def test_stages_differ_only_in_their_name_and_architecture() -> None:
    stages = json.loads(without_environments((PROJECT_DIR / CONFIG).read_text()))["stages"]
    architectures = {name: stage.pop("lambda_architecture", None) for name, stage in stages.items()}
    unnamed = {
        name: json.loads(json.dumps(stage).replace(f"policies/{name}/", "policies/<stage>/"))
        | {"api_gateway_stage": stage["api_gateway_stage"].replace(name, "<stage>")}
        for name, stage in stages.items()
    }

    # The local cloud runs functions on the machine that it runs on.
    assert architectures == {"local": None, "dev": "arm64", "prod": "arm64"}
    assert unnamed["local"] == unnamed["dev"] == unnamed["prod"]
    assert unnamed["prod"]["api_gateway_stage"] == "<stage>"


def test_an_unknown_stage_is_refused_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    status = provision.main(["--stage", "production", "--mail-from", "alerts@example.com"])

    said = capsys.readouterr()
    assert status == 1
    assert said.out == ""
    assert said.err == ("provision: there is no stage 'production' in .chalice/config.json, only local, dev, prod.\n")


def test_a_new_stage_without_its_sender_is_refused_in_one_line_that_says_what_to_do(
    session: boto3.session.Session, capsys: pytest.CaptureFixture[str]
) -> None:
    status = provision.main(["--stage", "dev"])

    assert status == 1
    assert capsys.readouterr().err == (
        "provision: stage dev is new and needs the sender of its e-mail: "
        "`make provision STAGE=dev MAIL_FROM='Name <address>'`.\n"
    )
    names = [stack["StackName"] for stack in session.client("cloudformation").describe_stacks()["Stacks"]]
    assert stack_name("dev", "data") not in names


def test_an_unknown_profile_is_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "not-set-up")

    assert provision.main(["--stage", "prod", "--mail-from", "alerts@example.com"]) == 1
    assert capsys.readouterr().err == (
        "provision: The config profile (not-set-up) could not be found: `aws configure list-profiles` lists them; "
        "AWS_PROFILE names one.\n"
    )


def test_provisioning_again_keeps_the_sender_that_is_not_given(session: boto3.session.Session) -> None:
    first = deploy_data_stack(session, "local", mail_from="alerts@example.com", poll_s=0.01)

    again = deploy_data_stack(session, "local", mail_identity="example.com", poll_s=0.01)

    assert again["MailFrom"] == "alerts@example.com"
    assert again["MailIdentity"] == "example.com"
    assert again["TransactionsTable"] == first["TransactionsTable"]


def test_a_public_url_is_recorded_kept_and_taken_away_again(session: boto3.session.Session, clone: Path) -> None:
    def recorded(mail_from: str, **given: str) -> str | None:
        record(clone, "local", deploy_data_stack(session, "local", mail_from=mail_from, poll_s=0.01, **given))
        environment = json.loads((clone / CONFIG).read_text())["stages"]["local"]["environment_variables"]
        found: str | None = environment.get("PUBLIC_URL")
        return found

    assert recorded("1@example.com") is None
    assert recorded("2@example.com", public_url="https://alerts.example.com/bank") == "https://alerts.example.com/bank"
    assert recorded("3@example.com") == "https://alerts.example.com/bank"
    assert recorded("4@example.com", public_url="") is None


def condition_of(function: str, sid: str) -> dict[str, Any] | None:
    keys = ROWS.get(function, {}).get(sid)
    return {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": keys}} if keys else OTHER_CONDITIONS.get(sid)


@pytest.mark.parametrize("function", sorted(PERMISSIONS))
def test_a_role_may_do_what_is_listed_and_nothing_else(function: str) -> None:
    allowed: dict[str, set[str]] = {}
    for statement in policy(function)["Statement"]:
        assert statement["Effect"] == "Allow"
        assert set(statement) - {"Condition"} == {"Sid", "Effect", "Action", "Resource"}
        assert statement.get("Condition") == condition_of(function, statement["Sid"])
        for resource in as_list(statement["Resource"]):
            log_group = re.fullmatch(r"arn:\$\{Partition}:logs:\$\{Region}:\$\{Account}:log-group:(.*):\*", resource)
            named = {
                SIGNING_SECRETS: "signing secrets",
                WEBHOOK_SECRETS: "webhook secrets",
                MAIL_TEMPLATES: "mail templates",
                BANK_IDENTITIES: "identities of banks",
            }
            name = f"log group {log_group[1]}" if log_group else named.get(resource, resource)
            allowed.setdefault(name, set()).update(as_list(statement["Action"]))

    assert allowed == PERMISSIONS[function]


def test_every_function_has_a_policy_of_its_own() -> None:
    policies = {file.stem for file in (PROJECT_DIR / "infra" / "policies").iterdir()}

    assert policies == set(PERMISSIONS)


@pytest.mark.parametrize("function", sorted(PERMISSIONS))
def test_a_rendered_policy_names_resources_of_this_stage_only(function: str, outputs: dict[str, str]) -> None:
    rendered = json.loads(Template(json.dumps(policy(function))).substitute(outputs))

    for statement in rendered["Statement"]:
        if set(as_list(statement["Action"])) <= UNCONFINED:
            continue
        for resource in as_list(statement["Resource"]):
            # A bucket's ARN has no region and account; what may be put into it is its objects.
            in_account, bucket = (
                r"arn:aws:[a-z]+:us-east-2:123456789012:[^*$]+([:-]\*)?",
                r"arn:aws:s3:::[^*$]+(/(bank=)?\*)?",
            )
            # SES checks a sending of inline templates, of which the account keeps none, against all templates.
            if resource == "arn:aws:ses:us-east-2:123456789012:template/*":
                continue
            if statement["Sid"] == "SendMailFromBanksDomains":
                assert "prod" in statement["Condition"]["StringEquals"].values()  # the stage's tag
                continue
            assert re.fullmatch(f"{in_account}|{bucket}", resource), resource
            assert "prod" in resource or ":identity/" in resource


def test_raised_shards_are_told_to_readers_before_the_setting_is_recorded_and_never_lowered(
    session: boto3.session.Session, clone: Path
) -> None:
    def provisioned(**others: str) -> dict[str, str]:
        return deploy_data_stack(session, "dev", mail_from="alerts@example.com", others=others, poll_s=0.01)

    def readers(outputs: dict[str, str]) -> int:
        return AnalyticsRepository(session.client("dynamodb"), outputs["AnalyticsTable"]).checkpoint().shards

    assert readers(provisioned()) == 4
    raised = provisioned(RecordedShards="8")
    assert readers(raised) == 8
    record(clone, "dev", raised)
    environment = json.loads((clone / CONFIG).read_text())["stages"]["dev"]["environment_variables"]
    assert environment["RECORDED_SHARDS"] == "8"

    with pytest.raises(StackFailed, match="has 8 shards, and their number is never lowered"):
        provisioned(RecordedShards="6")

    other = provisioned(FeedDays="60")
    assert (other["RecordedShards"], other["KeepDays"]) == ("8", "400 60 90")  # what isn't given stays
    assert readers(raised) == 8


@pytest.fixture
def changes_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Change sets say that a table changes with its capacity, as AWS's do; moto compares templates alone."""
    found = stacks._changes

    def changes(cloudformation: Any, name: str, change_set: str, poll_s: float) -> list[dict[str, Any]] | None:
        wanted = cloudformation.describe_change_set(StackName=name, ChangeSetName=change_set)["Parameters"]
        given = {one["ParameterKey"]: one.get("ParameterValue") for one in wanted}
        current = parameters(cloudformation, name)
        made = found(cloudformation, name, change_set, poll_s)
        if given.get("SteadyTransactions") in (None, current.get("SteadyTransactions", "0")):
            return made
        table = {"ResourceType": "AWS::DynamoDB::Table", "LogicalResourceId": "AnalyticsTable", "Action": "Modify"}
        return [*(made or []), {"Type": "Resource", "ResourceChange": table}]

    monkeypatch.setattr(stacks, "_changes", changes)


TAKEN_AWAY = "The tables' auto scaling is taken away first, so that they can be changed."


@pytest.mark.usefixtures("changes_told")
def test_a_steady_stage_s_capacity_is_set_and_kept_and_its_tables_are_on_demand_again(
    session: boto3.session.Session,
) -> None:
    said: list[str] = []

    def capacities(**others: str) -> dict[str, set[int]]:
        outputs = deploy_data_stack(
            session, "steady", mail_from="alerts@example.com", others=others, report=said.append, poll_s=0.01
        )
        found = {}
        for name in ("TransactionsTable", "NotificationsTable", "AnalyticsTable", "AccountsTable"):
            table = session.client("dynamodb").describe_table(TableName=outputs[name])["Table"]
            indexes = table.get("GlobalSecondaryIndexes", ())
            found[name] = {one["ProvisionedThroughput"]["WriteCapacityUnits"] for one in (table, *indexes)}
        return found

    on_demand = capacities()
    assert on_demand == {name: {0} for name in on_demand}
    steady = {name: {0 if name == "AccountsTable" else 2_000} for name in on_demand}
    assert capacities(SteadyTransactions="2000") == steady
    assert capacities(FeedDays="60") == steady  # what isn't given stays
    assert TAKEN_AWAY not in said, "no table was changed while it was scaled"
    higher = {name: {0 if name == "AccountsTable" else 3_000} for name in on_demand}
    assert capacities(SteadyTransactions="3000") == higher
    assert said.count(TAKEN_AWAY) == 1
    assert capacities(SteadyTransactions="3000") == higher
    assert said.count(TAKEN_AWAY) == 1, "nothing changes"
    assert capacities(SteadyTransactions="0") == on_demand
    assert said.count(TAKEN_AWAY) == 2


@pytest.mark.usefixtures("changes_told")
def test_auto_scaling_is_away_while_a_table_changes_and_back_afterwards(
    session: boto3.session.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy_data_stack(session, "scaled", mail_from="alerts@example.com", poll_s=0.01)
    deploy_data_stack(session, "scaled", others={"SteadyTransactions": "2000"}, poll_s=0.01)
    made: list[dict[str, str]] = []

    def deploying(cloudformation: Any, name: str, template: Any, given: dict[str, str], *others: Any) -> dict[str, str]:
        done = deploy(cloudformation, name, template, given, *others)
        kept = parameters(cloudformation, name)
        made.append({one: kept[one] for one in ("SteadyTransactions", "TableScaling", "FeedDays")})
        return done

    monkeypatch.setattr(capacity, "deploy", deploying)
    deploy_data_stack(session, "scaled", others={"SteadyTransactions": "3000", "FeedDays": "60"}, poll_s=0.01)
    assert made == [
        {"SteadyTransactions": "2000", "TableScaling": "false", "FeedDays": "90"},  # and nothing else
        {"SteadyTransactions": "3000", "TableScaling": "true", "FeedDays": "60"},
    ]


@pytest.mark.parametrize(
    ("stage", "is_new", "number", "said"),
    [
        ("prod", False, "00", "SteadyTransactions=00 can't be used: give a whole number"),
        ("prod", False, "1.5", "SteadyTransactions=1.5 can't be used: give a whole number"),
        ("prod", False, "-1", "SteadyTransactions=-1 can't be used: give a whole number"),
        ("prod", False, "", "SteadyTransactions= can't be used: give a whole number"),
        ("local", False, "10", "the local cloud has no auto scaling"),
        ("prod", True, "10", "stage prod is new: make it without SteadyTransactions"),
    ],
)
def test_capacity_that_a_stage_can_not_have_is_refused(stage: str, is_new: bool, number: str, said: str) -> None:
    with pytest.raises(StackFailed, match=re.escape(said)):
        refuse_capacity(stage, is_new, {"SteadyTransactions": number})
    refuse_capacity(stage, is_new, {"SteadyTransactions": "0"})
    refuse_capacity(stage, is_new, {})
    refuse_capacity("prod", False, {"SteadyTransactions": "10"})


def test_a_new_stage_with_capacity_is_refused_before_anything_is_made(session: boto3.session.Session) -> None:
    with pytest.raises(StackFailed, match="stage fresh is new"):
        deploy_data_stack(session, "fresh", mail_from="a@example.com", others={"SteadyTransactions": "9"}, poll_s=0.01)
    assert not exists(session.client("cloudformation"), stack_name("fresh", "data"))


@pytest.mark.parametrize("text", ["FeedDays", "=60", "Feed-Days=60"])
def test_a_parameter_is_set_by_its_name_and_value(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        provision.main(["--stage", "prod", "--set", text])
    assert "is not NAME=VALUE" in capsys.readouterr().err
