"""The check of a request's signature, with the keys of this start or those that the emulator gave a function's role."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from local_cloud.gate.rule import emulator


class NotSigned(Exception):
    """The request has no valid signature. Carries AWS's error code and message."""

    def __init__(self, error: str, message: str) -> None:
        super().__init__(message)
        self.error, self.message = error, message


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed a request, and for which service and region."""

    access_key_id: str
    service: str
    region: str
    principal: str


_UNKNOWN = "The security token included in the request is invalid."


def signer_of(method: str, raw_path: str, query: str, headers: Mapping[str, str], body: bytes) -> Signer:
    """Return who signed the request; raises NotSigned when nobody known did, or for another request."""
    sigv4, evaluator = emulator("core.sigv4"), emulator("core.iam_evaluator")
    parameters = parse_qs(query, keep_blank_values=True)
    is_presigned = "X-Amz-Signature" in parameters
    if not is_presigned and not headers.get("authorization", "").startswith("AWS4-HMAC-SHA256 "):
        raise NotSigned("MissingAuthenticationTokenException", "Missing Authentication Token")
    signature: Any = sigv4.parse_query_signature(parameters) if is_presigned else sigv4.parse_header_signature(headers)
    if isinstance(signature, tuple):
        raise NotSigned(*signature)
    credential = _credential(evaluator, signature.access_key_id, _token(headers, parameters))
    failure = sigv4.request_time_failure(signature) if not is_presigned else _expiry_failure(sigv4, parameters)
    failure = failure or sigv4.header_signature_failure(
        signature, credential.secret_access_key, method, raw_path, parameters, headers, body, presigned=is_presigned
    )
    if failure:
        raise NotSigned(*failure)
    return Signer(signature.access_key_id, signature.service, signature.region, credential.principal_arn)


def _credential(evaluator: Any, access_key_id: str, token: str) -> Any:
    # The emulator takes `test` and each account's number as the root of an account: these are no keys.
    is_root = access_key_id == os.environ["AWS_ACCESS_KEY_ID"]
    if not is_root and evaluator.is_root_access_key(access_key_id):
        raise NotSigned("UnrecognizedClientException", _UNKNOWN)
    account = emulator("core.responses")._account_from_sts_session(access_key_id) or "000000000000"
    credential = evaluator.resolve_credential(access_key_id, account, token)
    if isinstance(credential, evaluator.CredentialResolutionError):
        raise NotSigned(credential.code, credential.message)
    return credential


def _token(headers: Mapping[str, str], parameters: Mapping[str, list[str]]) -> str:
    return headers.get("x-amz-security-token") or (parameters.get("X-Amz-Security-Token") or [""])[0]


def _expiry_failure(sigv4: Any, parameters: Mapping[str, list[str]]) -> tuple[str, str] | None:
    date, seconds = (parameters.get(name, [""])[0] for name in ("X-Amz-Date", "X-Amz-Expires"))
    try:
        expired = not seconds or sigv4.presigned_request_is_expired(date, seconds)
    except ValueError:
        expired = True
    return ("AccessDenied", "Request has expired") if expired else None
