"""What an operator does about a failure of AWS's: one line for each cause, instead of a library's words."""

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
    SSOError,
    TokenRetrievalError,
)

_LOG_IN = "`aws configure`, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
_EXPIRED = "the AWS credentials have expired: log in again, for example with `aws sso login`."
_BY_CODE = {
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "RequestExpired": _EXPIRED,
    "InvalidClientTokenId": f"AWS doesn't know these credentials: check {_LOG_IN}.",
    "UnrecognizedClientException": f"AWS doesn't know these credentials: check {_LOG_IN}.",
    "InvalidAccessKeyId": f"AWS doesn't know these credentials: check {_LOG_IN}.",
    "SignatureDoesNotMatch": f"the secret access key doesn't fit the access key id: check {_LOG_IN}.",
    "OptInRequired": "this region is not enabled for the AWS account: choose another with --region, or enable it.",
}
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"})


def advice(error: ClientError | BotoCoreError) -> str:
    """Return one line that says what the operator should do; the error's own text if nothing more is known of it."""
    match error:
        case NoCredentialsError() | PartialCredentialsError():
            return f"there are no complete AWS credentials: set {_LOG_IN}."
        case ProfileNotFound():
            return f"{error}: `aws configure list-profiles` lists them; AWS_PROFILE names one."
        case NoRegionError():
            return "no AWS region is chosen: name one with --region or AWS_DEFAULT_REGION."
        case SSOError() | TokenRetrievalError():
            return _EXPIRED
        case EndpointConnectionError() | ConnectTimeoutError() | ReadTimeoutError():
            return f"{error} Check the network, --region and AWS_ENDPOINT_URL."
        case ClientError():
            code = error.response.get("Error", {}).get("Code", "")
            if code in _DENIED:
                return (
                    f"the AWS credentials may not call {error.operation_name}: {_message(error)} Use others, or ask "
                    "for the permission: docs/deployment.md says what a stage needs."
                )
            return _BY_CODE.get(code, str(error))
    return str(error)


def _message(error: ClientError) -> str:
    message = " ".join(str(error.response.get("Error", {}).get("Message", "")).split())
    return f"{message.rstrip('.')}." if message else ""
