"""Signatures: the same as botocore's, whatever is signed."""

from datetime import UTC, datetime

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.aws.signing import Credentials, authorization

_keys = st.text("ABCDEFabcdef0123456789/+=", min_size=1, max_size=40)
_moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1))  # noqa: DTZ001


@given(_keys, _keys, st.none() | _keys, st.sampled_from(["us-east-2", "eu-west-3"]), _moments, st.binary(max_size=200))
def test_a_request_has_the_signature_that_botocore_would_give_it(
    key: str, secret: str, token: str | None, region: str, moment: datetime, body: bytes
) -> None:
    at = moment.replace(tzinfo=UTC).strftime("%Y%m%dT%H%M%SZ")
    headers = {"content-type": "application/x-amz-json-1.0", "host": "dynamodb.example.com", "x-amz-date": at}
    headers |= {"x-amz-security-token": token} if token else {}
    headers["x-amz-target"] = "DynamoDB_20120810.PutItem"
    request = AWSRequest("POST", "https://dynamodb.example.com/", headers=headers, data=body)
    request.context["timestamp"] = at
    theirs = botocore.auth.SigV4Auth(BotocoreCredentials(key, secret, token), "dynamodb", region)
    canonical = theirs.canonical_request(request)
    expected = theirs.signature(theirs.string_to_sign(request, canonical), request)
    ours = authorization(Credentials(key, secret, token), region, at, headers, body)
    assert ours == (
        f"AWS4-HMAC-SHA256 Credential={theirs.scope(request)}, "
        f"SignedHeaders={theirs.signed_headers(theirs.headers_to_sign(request))}, Signature={expected}"
    )
