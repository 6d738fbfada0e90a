"""Actions that AWS's schemas of resource types name, and that who deploys a stage doesn't need: each with the reason.

Most are for a property that no template has. The tests look whether that is still so: whoever begins to use the
property has to take the exception away, and to allow the action.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

# By resource type and property, the actions that only this property needs. `A or B`: one of two. `A=true`: with another
# value the property needs nothing. `A/B`: in it. `/A`: of the resource itself. `AWS::…`: of a resource of another type.
UNUSED: dict[str, dict[str, str]] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": {
        "RoleARN": r"iam:PassRole",
        "ScheduledActions": r"application-autoscaling:(Put|Delete)ScheduledAction",
    },
    "AWS::ApplicationAutoScaling::ScalingPolicy": {
        "PredictiveScalingPolicyConfiguration": r"cloudwatch:GetMetricData",
    },
    "AWS::Cognito::UserPool": {
        "EmailConfiguration": r"iam:CreateServiceLinkedRole",
        "KeyConfiguration or LambdaConfig": r"kms:\w+",
    },
    "AWS::Cognito::UserPoolClient": {
        "AnalyticsConfiguration": r"iam:CreateServiceLinkedRole",
        "GenerateSecret=true": r"cognito-idp:ListUserPoolClientSecrets",
    },
    "AWS::Cognito::UserPoolDomain": {
        "CustomDomainConfig": r"cloudfront:updateDistribution",
        "AWS::Cognito::UserPool/KeyConfiguration": r"kms:\w+",
    },
    "AWS::DynamoDB::Table": {
        "AWS::DynamoDB::GlobalTable": r"dynamodb:(\w+Replica|(BatchWrite|Delete|Get|Put|Update)Item|Query|Scan)",
        "ContributorInsightsSpecification or KinesisStreamSpecification": r"iam:CreateServiceLinkedRole",
        "ContributorInsightsSpecification": r"dynamodb:UpdateContributorInsights",
        "GlobalSecondaryIndexes/ContributorInsightsSpecification": r"dynamodb:UpdateContributorInsights",
        "ImportSourceSpecification": r"dynamodb:(ImportTable|DescribeImport)|logs:\w+LogStreams?|logs:PutLogEvents",
        "KinesisStreamSpecification": r"dynamodb:(Enable|Disable|Update)Kinesis\w+|kinesis:\w+",
        "ResourcePolicy": r"dynamodb:(Put|Delete)ResourcePolicy",
        "SSESpecification/KMSMasterKeyId": r"kms:\w+",
    },
    "AWS::Events::EventBus": {"KmsKeyIdentifier": r"kms:\w+", "Policy": r"events:(Put|Remove)Permission"},
    "AWS::IAM::Role": {"PermissionsBoundary": r"iam:(Put|Delete)RolePermissionsBoundary"},
    "AWS::KMS::Key": {"Enabled": r"kms:(Enable|Disable)Key"},
    "AWS::Lambda::Alias": {
        "/UpdatePolicy": r"codedeploy:\w+",
        "ProvisionedConcurrencyConfig": r"lambda:\w+ProvisionedConcurrencyConfig",
    },
    "AWS::Lambda::EventSourceMapping": {"KmsKeyArn": r"kms:\w+"},
    "AWS::Lambda::Function": {
        "CapacityProviderConfig": r"lambda:PassCapacityProvider",
        "Code/S3ObjectVersion": r"s3:GetObjectVersion",
        "CodeSigningConfigArn": r"lambda:(Put|Delete)FunctionCodeSigningConfig|lambda:GetCodeSigningConfig",
        "FileSystemConfigs": r"(elasticfilesystem|s3files):\w+",
        "FunctionScalingConfig": r"lambda:PutFunctionScalingConfig",
        "KmsKeyArn or Code/SourceKMSKeyArn": r"kms:\w+",
        "Layers": r"lambda:GetLayerVersion",
        "RuntimeManagementConfig": r"lambda:PutRuntimeManagementConfig",
        "VpcConfig": r"ec2:\w+",
    },
    "AWS::Lambda::Version": {
        "FunctionScalingConfig": r"lambda:PutFunctionScalingConfig",
        "ProvisionedConcurrencyConfig": r"lambda:\w+ProvisionedConcurrencyConfig",
        "RuntimePolicy": r"lambda:PutRuntimeManagementConfig",
    },
    "AWS::Logs::LogGroup": {
        "BearerTokenAuthenticationEnabled": r"logs:PutBearerTokenAuthentication",
        "DataProtectionPolicy": r"logs:((Put|Delete)DataProtectionPolicy|CreateLogDelivery)|firehose:\w+",
        "DeletionProtectionEnabled": r"logs:PutLogGroupDeletionProtection",
        "FieldIndexPolicies": r"logs:(Put|Delete)IndexPolicy",
        "KmsKeyId": r"logs:(Dis)?[Aa]ssociateKmsKey",
        "ResourcePolicyDocument": r"logs:(Put|Delete)ResourcePolicy",
    },
    "AWS::S3::Bucket": {
        "AbacStatus": r"s3:PutBucketAbac",
        "AccelerateConfiguration": r"s3:PutAccelerateConfiguration",
        "AccessControl": r"s3:Put(Bucket|Object)Acl",
        "AnalyticsConfigurations": r"s3:(Put|DeleteBucket)AnalyticsConfiguration",
        "CorsConfiguration": r"s3:(PutBucketCORS|DeleteBucketCors)",
        "IntelligentTieringConfigurations": r"s3:PutIntelligentTieringConfiguration",
        "InventoryConfigurations": r"s3:PutInventoryConfiguration",
        "LoggingConfiguration": r"s3:PutBucketLogging",
        "MetadataConfiguration or MetadataTableConfiguration": (
            r"s3:(Create|Update|Delete)BucketMetadata\w+|s3tables:\w+"
        ),
        "MetricsConfigurations": r"s3:(Put|DeleteBucket)MetricsConfiguration",
        "NotificationConfiguration": r"s3:PutBucketNotification",
        "OwnershipControls": r"s3:PutBucketOwnershipControls",
        "ReplicationConfiguration": r"s3:(PutReplicationConfiguration|(Put|Delete)BucketReplication)",
        "WebsiteConfiguration": r"s3:(Put|Delete)BucketWebsite",
    },
    "AWS::SNS::Topic": {"DataProtectionPolicy": r"sns:PutDataProtectionPolicy"},
    "AWS::SecretsManager::Secret": {
        "ReplicaRegions": r"secretsmanager:(ReplicateSecretTo|RemoveRegionsFrom)\w+",
    },
    "AWS::WAFv2::WebACL": {"MonetizationConfig": r"payments:GetConnectedAccount"},
}
# By resource type and property, the kind of resource that the property names, and the actions that other kinds need.
OF_OTHER_KINDS: dict[str, tuple[str, str, str]] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": ("ServiceNamespace", "dynamodb", r"lambda:\w+"),
    "AWS::WAFv2::WebACLAssociation": (
        "ResourceArn",
        "apigateway",
        r"(amplify|apprunner|appsync|bedrock-agentcore|cognito-idp|ec2|elasticloadbalancing):\w+",
    ),
}
# What no property decides.
NEVER: dict[str, dict[str, str]] = {
    "AWS::S3::Bucket": {r"s3:DeleteObject": "what is stored isn't the deployer's business"},
    "AWS::SecretsManager::Secret": {r"secretsmanager:GetSecretValue": "a secret's value isn't the deployer's business"},
    "AWS::WAFv2::WebACLAssociation": {r"wafv2:(Get|Put)PermissionPolicy": "the web ACL is of the same account"},
}
# The schemas' names of what IAM knows under another name, or not at all.
NO_ACTIONS = {
    "lambda:AssociateRuntimeAlias",
    "s3:DeleteBucketEncryption",  # s3:PutEncryptionConfiguration
    "s3:DeleteBucketLifecycle",  # s3:PutLifecycleConfiguration
    "s3:DeleteBucketTagging",  # s3:PutBucketTagging
    "s3:GetObjectMetadata",
    "s3:PutObjectLockConfiguration",  # s3:PutBucketObjectLockConfiguration
    "s3:REST.PUT.OBJECT",
}

Resources = Iterable[Mapping[str, Any]]


def exceptions(type_name: str) -> Iterator[str]:
    """Yield the patterns of the actions of a resource type's handlers that aren't needed."""
    yield from UNUSED.get(type_name, {}).values()
    yield from NEVER.get(type_name, {})
    if type_name in OF_OTHER_KINDS:
        yield OF_OTHER_KINDS[type_name][2]


def needed(type_name: str, actions: Iterable[str]) -> set[str]:
    """Return the actions of a resource type's handlers without those that aren't needed."""
    patterns = list(exceptions(type_name))
    return {
        one for one in actions if one not in NO_ACTIONS and not any(re.fullmatch(pattern, one) for pattern in patterns)
    }


def places(type_name: str, named: str) -> list[tuple[str, str]]:
    """Return the types and paths that a property's name in `UNUSED` stands for."""
    found = []
    for path in named.split(" or "):
        other, _, rest = path.partition("/")
        found.append((other, rest) if other.startswith("AWS::") else (type_name, path))
    return found


def uses(resources: Resources, type_name: str, named: str) -> bool:
    """Return whether one of the resources has what a property's name in `UNUSED` stands for."""
    return any(
        one["Type"] == of_type and _has(one if path.startswith("/") else one.get("Properties", {}), path.strip("/"))
        for of_type, path in places(type_name, named)
        for one in resources
    )


def _has(values: Any, path: str) -> bool:
    """Return whether the values have something at this path, whatever a condition decides."""
    if not path:
        return True
    if isinstance(values, list):
        return any(_has(one, path) for one in values)
    if not isinstance(values, dict):
        return False
    if "Fn::If" in values:
        return any(_has(one, path) for one in values["Fn::If"][1:])
    name, _, rest = path.partition("/")
    name, _, only = name.partition("=")
    if name not in values or (only and values[name] in (False, "false")):
        return False
    return _has(values[name], rest)
