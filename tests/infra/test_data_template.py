"""What the data stack's template says of e-mail, topics and how long data is kept: no emulator checks it."""

import json
import re
from typing import Any

import pytest
from cfnlint.decode import decode

from chalicelib.staff.member import Group
from tests.samples import PROJECT_DIR


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    found, _ = decode(str(PROJECT_DIR / "infra" / "data.yaml"))
    return dict(found)


def properties(template: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = template["Resources"][name]["Properties"]
    return found


def test_ses_suppresses_no_address_for_the_whole_account(template: dict[str, Any]) -> None:
    assert properties(template, "MailConfigurationSet")["SuppressionOptions"] == {"SuppressedReasons": []}


def test_feedback_comes_as_events_and_not_as_e_mails(template: dict[str, Any]) -> None:
    assert properties(template, "SenderIdentity")["FeedbackAttributes"] == {"EmailForwardingEnabled": False}
    events = properties(template, "MailFeedbackEvents")["EventDestination"]["MatchingEventTypes"]
    assert {"DELIVERY", "BOUNCE", "COMPLAINT", "REJECT"} <= set(events)


def test_a_missing_mx_record_of_the_bounce_domain_stops_no_e_mail(template: dict[str, Any]) -> None:
    condition, given, otherwise = properties(template, "SenderIdentity")["MailFromAttributes"]["Fn::If"]
    assert condition == "HasBounceDomain"
    assert given == {"MailFromDomain": {"Ref": "BounceDomain"}, "BehaviorOnMxFailure": "USE_DEFAULT_VALUE"}
    assert otherwise == {"Ref": "AWS::NoValue"}


def test_the_archive_keeps_old_versions_and_can_be_locked_from_its_creation_on(template: dict[str, Any]) -> None:
    bucket = properties(template, "ArchiveBucket")
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}  # which a lock needs
    rules = bucket["LifecycleConfiguration"]["Rules"]
    # The newest version never expires.
    assert all("ExpirationInDays" not in rule and "ExpirationDate" not in rule for rule in rules)
    assert {"NoncurrentDays": 90} in [rule.get("NoncurrentVersionExpiration") for rule in rules]
    for name in ("ObjectLockEnabled", "ObjectLockConfiguration"):
        condition, _, otherwise = bucket[name]["Fn::If"]
        assert (condition, otherwise) == ("LocksArchive", {"Ref": "AWS::NoValue"})
    assert template["Parameters"]["ArchiveLockDays"]["Default"] == 0


def test_every_topic_is_encrypted_with_a_key_that_its_publisher_may_use(template: dict[str, Any]) -> None:
    topics = {name for name, one in template["Resources"].items() if one["Type"] == "AWS::SNS::Topic"}
    keys = {name: properties(template, name)["KmsMasterKeyId"] for name in topics}
    own_key = {"Fn::If": ["EncryptsTopics", {"Ref": "TopicsKey"}, {"Ref": "AWS::NoValue"}]}
    assert keys == {"MailFeedbackTopic": own_key, "AlarmsTopic": own_key, "OperatorAlertsTopic": "alias/aws/sns"}

    account, publishers = properties(template, "TopicsKey")["KeyPolicy"]["Statement"]
    assert account["Action"] == "kms:*"  # without it nobody could ever change the key again
    assert publishers["Principal"] == {"Service": ["ses.amazonaws.com", "cloudwatch.amazonaws.com"]}
    assert publishers["Action"] == ["kms:GenerateDataKey*", "kms:Decrypt"]
    assert "Condition" not in publishers


def test_streams_parallelize_by_a_parameter_but_for_the_archiver() -> None:
    app = json.loads((PROJECT_DIR / "infra" / "app.json").read_text())
    factors = {
        name: event["Properties"].get("ParallelizationFactor")
        for name, resource in app["Resources"].items()
        for event_name, event in resource.get("Properties", {}).get("Events", {}).items()
        if event_name.endswith("DynamodbEventSource")
    }
    given = {"Ref": "StreamParallelization"}
    assert factors == {
        "TransactionStream": given,
        "HolderChanges": given,
        "WebhookFeeder": given,
        "Archiver": None,  # several batches at once would make more and smaller objects
    }


def test_only_operators_make_members_of_staff_and_no_member_can_change_the_bank(template: dict[str, Any]) -> None:
    pool, client = properties(template, "StaffUsers"), properties(template, "ConsoleClient")
    assert template["Resources"]["StaffUsers"]["DeletionPolicy"] == "Retain"
    assert pool["DeletionProtection"] == "ACTIVE"
    assert pool["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] is True
    (bank,) = [one for one in pool["Schema"] if one["Name"] == "bank"]
    assert bank["Mutable"] is False
    assert "custom:bank" in client["ReadAttributes"]
    assert "custom:bank" not in client["WriteAttributes"]
    assert set(client["WriteAttributes"]) == {one["Name"] for one in pool["Schema"] if one.get("Required")}
    password = pool["Policies"]["PasswordPolicy"]
    assert password["MinimumLength"] >= 14
    assert all(password[f"Require{kind}"] for kind in ("Lowercase", "Numbers", "Symbols", "Uppercase"))


def test_a_second_factor_is_asked_for_unless_the_stage_says_otherwise(template: dict[str, Any]) -> None:
    parameter = template["Parameters"]["StaffMfa"]
    assert (parameter["Default"], parameter["AllowedValues"]) == ("ON", ["OFF", "OPTIONAL", "ON"])
    pool = properties(template, "StaffUsers")
    assert pool["MfaConfiguration"] == {"Ref": "StaffMfa"}
    assert pool["EnabledMfas"]["Fn::If"][:2] == ["UsesMfa", ["SOFTWARE_TOKEN_MFA"]]


def test_the_console_signs_in_by_code_without_a_secret_and_for_a_short_time(template: dict[str, Any]) -> None:
    client = properties(template, "ConsoleClient")
    assert client["GenerateSecret"] is False
    assert client["AllowedOAuthFlows"] == ["code"]
    assert client["AllowedOAuthScopes"] == ["openid", "email", "profile"]
    assert client["ExplicitAuthFlows"] == ["ALLOW_REFRESH_TOKEN_AUTH"]  # no password by an API
    assert client["EnableTokenRevocation"] is True
    assert client["PreventUserExistenceErrors"] == "ENABLED"
    assert client["TokenValidityUnits"] == {"IdToken": "minutes", "AccessToken": "minutes", "RefreshToken": "hours"}
    assert (client["IdTokenValidity"], client["AccessTokenValidity"], client["RefreshTokenValidity"]) == (15, 15, 12)


def test_there_is_a_group_in_the_pool_for_each_group_of_the_app(template: dict[str, Any]) -> None:
    groups = [
        one["Properties"] for one in template["Resources"].values() if one["Type"] == "AWS::Cognito::UserPoolGroup"
    ]
    assert sorted(group["GroupName"] for group in groups) == sorted(Group)
    assert len({group["Precedence"] for group in groups}) == len(groups)


def test_a_release_that_runs_is_never_deleted(template: dict[str, Any]) -> None:
    """CloudFormation fetches the functions' last package again when it rolls an update back."""
    assert "LifecycleConfiguration" not in properties(template, "ArtifactsBucket")


def test_a_queue_s_comment_says_for_how_long_deliveries_may_fail(template: dict[str, Any]) -> None:
    text = (PROJECT_DIR / "infra" / "data.yaml").read_text()
    queues = re.findall(r"^  (\w+Queue):\n    Type: AWS::SQS::Queue\n(.*?)(?=^  \S)", text, re.MULTILINE | re.DOTALL)
    hours = {"ten": 10, "fifteen": 15, "seventeen": 17}
    said = {}
    for name, queue in queues:
        if found := re.search(r"# About (\w+) hours of failed deliveries", queue):
            (timeout,) = re.findall(r"VisibilityTimeout: (\d+|!Ref NotificationVisibilitySeconds)", queue)
            default = template["Parameters"]["NotificationVisibilitySeconds"]["Default"]
            seconds = default if timeout.startswith("!") else int(timeout)
            (times,) = re.findall(r"maxReceiveCount: (\d+)", queue)
            assert hours[found[1]] == round(seconds * int(times) / 3600), name
            said[name] = found[1]
    assert said.keys() == {"NotificationQueue", "IngestQueue", "FeedbackQueue", "WebhookQueue"}
