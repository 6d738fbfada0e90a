"""The environment of both handlers, which is set before they are imported, and where their output goes."""

import io
import os
import sys
from typing import TextIO

from chalicelib.aws.stage import variables

_REGION = "us-east-2"


def enter() -> None:
    """Set the environment, without access to any AWS account."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    kinds = {"_ARN": f"arn:aws:sqs:{_REGION}:123456789012:bench", "_URL": f"https://sqs.{_REGION}/123456789012/bench"}
    for name in variables().values():
        os.environ[name] = kinds.get(name[-4:], "bench")
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_DEFAULT_REGION": _REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "KEEP_DAYS": "400 90 90",
        "RECORDED_SHARDS": "4",
    }


def divert_output() -> TextIO:
    """Send the handlers' logs and metrics to the null device; return the process's real output.

    Output is not buffered: each write is a system call, as under Lambda's runtime.
    """
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)
    sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), encoding="utf-8", write_through=True)
    return output
