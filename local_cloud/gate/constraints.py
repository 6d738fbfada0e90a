"""The limits that AWS's own description of an API gives: lengths, ranges, patterns, fixed values, what is required."""

from local_cloud.gate import models
from local_cloud.gate.rule import RULES, Call, Refused, Rule

# The services whose parameters are checked, and the error with which each refuses a broken limit.
_ERRORS = {
    "dynamodb": "ValidationException",
    "events": "ValidationException",
    "lambda": "ValidationException",
    "secretsmanager": "ValidationException",
    "sesv2": "BadRequestException",
}
_SOURCE = "AWS's API models, as botocore carries them: min, max, pattern, enum, required"


def _broken(call: Call) -> str | None:
    """A parameter outside of the limits in the service's API model."""
    check = models.limits(call.service, call.operation) if call.service in _ERRORS else None
    return check(call.parameters, "") if check else None


for _service, _error in _ERRORS.items():
    _code = f"{_service}.model"
    RULES[_code] = Rule(_code, (_broken.__doc__ or ""), (f"{_service}:*",), _error, 400, _SOURCE, _broken)


def check(call: Call) -> None:
    """Raise Refused when a parameter is outside of the limits in the service's API model."""
    if (message := _broken(call)) is not None:
        raise Refused(f"{call.service}.model", _ERRORS[call.service], 400, message)
