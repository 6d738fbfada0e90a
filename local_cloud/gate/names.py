"""What S3 and Secrets Manager refuse: names, and secrets that are too large."""

import re

from local_cloud.gate.rule import Call, rule, size_of

_BUCKETS = "Amazon S3 User Guide, “General purpose bucket naming rules”"
_STARTS, _ENDS = ("xn--", "sthree-", "amzn-s3-demo-"), ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


@rule("s3.bucket-name", "s3:CreateBucket", error="InvalidBucketName", source=_BUCKETS)
def bad_bucket(call: Call) -> str | None:
    """A bucket's name that starts or ends with what S3 keeps for itself, like `xn--` and `-s3alias`."""
    name = str(call.parameters.get("Bucket", ""))
    return "The specified bucket is not valid." if name.startswith(_STARTS) or name.endswith(_ENDS) else None


@rule(
    "s3.key-length",
    "s3:PutObject",
    error="KeyTooLongError",
    source="Amazon S3 User Guide, “Naming Amazon S3 objects”",
)
def key_too_long(call: Call) -> str | None:
    """An object's key of more than 1,024 bytes."""
    return "Your key is too long" if size_of(call.parameters.get("Key")) > 1024 else None


@rule(
    "secretsmanager.name",
    "secretsmanager:CreateSecret",
    error="ValidationException",
    source="AWS Secrets Manager API Reference, “CreateSecret”",
)
def bad_secret(call: Call) -> str | None:
    """A secret's name with others than letters, digits and `/_+=.@-`."""
    if re.fullmatch(r"[A-Za-z0-9/_+=.@-]{1,512}", str(call.parameters.get("Name", ""))):
        return None
    return "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!"


@rule(
    "secretsmanager.size",
    "secretsmanager:CreateSecret",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecret",
    error="ValidationException",
    source="AWS Secrets Manager User Guide, “AWS Secrets Manager quotas”",
)
def secret_too_large(call: Call) -> str | None:
    """A secret of more than 65,536 bytes."""
    return "The secret value is too large." if size_of(call.parameters.get("SecretString")) > 65_536 else None
