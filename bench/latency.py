"""The time from a POST until SES has accepted its e-mail, on the running local cloud, at several rates.

python -m bench.latency            after `make run`: 1, 10 and 50 transactions a second
python -m bench.latency --quick    a few of each
"""

import argparse
import http.client
import itertools
import json
import statistics
import sys
import time
import urllib.request
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from infra.sessions import local_stack
from infra.stacks import StackFailed

# Transactions a second, and how many of them: each rate takes 6 to 20 seconds.
RATES = {1: 20, 10: 100, 50: 300}
QUICK = {1: 3, 10: 10, 50: 25}
# So no account has as many transactions within minutes as would be flagged: alerts come in digests then.
ACCOUNTS = 210
WAITED_FOR_S = 60
_CLIENTS = 4  # as `make run` has: each more is another function that the emulator starts
_turn = itertools.count()  # accounts take turns, over all rates
# Directly to the local cloud, even if the environment names a proxy.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line for each rate; return the status: 0, or 1 if an e-mail is missing or no local cloud runs."""
    parser = argparse.ArgumentParser(prog="python -m bench.latency", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a few of each, for a first impression")
    options = parser.parse_args(arguments)
    try:
        stack = local_stack()
    except StackFailed as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    run = uuid.uuid4().hex[:8]
    with ThreadPoolExecutor(_CLIENTS) as pool:
        list(pool.map(lambda number: _enrol(stack, f"{run}-{number}"), range(ACCOUNTS)))
    _latencies(stack, run, "warm", 5, 5)  # functions may start cold
    missing = 0
    for rate, count in (QUICK if options.quick else RATES).items():
        seconds, answered = _latencies(stack, run, f"at-{rate}", rate, count)
        missing += count - len(seconds)
        print(line(rate, count, answered, seconds))
    return 1 if missing else 0


def line(rate: int, count: int, answered: float, seconds: Sequence[float]) -> str:
    """Return what is printed for a rate. `answered` is how many POSTs a second were answered."""
    if not seconds:
        return f"{rate:>3} a second: no e-mail of {count} came"
    ordered = sorted(seconds)
    tenths = [statistics.median(ordered), ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))], ordered[-1]]
    times = "  ".join(f"{name} {value:5.2f} s" for name, value in zip(("p50", "p95", "max"), tenths, strict=True))
    return f"{rate:>3} a second ({answered:.1f} answered): {times}  {len(seconds)} of {count} e-mails"


def _latencies(stack: dict[str, Any], run: str, name: str, rate: int, count: int) -> tuple[list[float], float]:
    """Post so many transactions at a rate; return each e-mail's seconds, and how many a second were answered."""
    began, posted_at = time.monotonic(), {}

    def post(number: int) -> None:
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
        now, id_ = datetime.now(UTC), f"{run}-{name}-{number}"
        posted_at[id_] = now
        body = {
            "id": id_,
            "account": f"{run}-{next(_turn) % ACCOUNTS}",
            "amount": 1000 + number,
            "type": "debit",
            "timestamp": now.isoformat(),
        }
        _send(stack, "POST", "/transactions", body)

    with ThreadPoolExecutor(_CLIENTS) as pool:
        list(pool.map(post, range(count)))
    answered = count / (time.monotonic() - began)
    accepted: dict[str, datetime] = {}
    deadline = time.monotonic() + WAITED_FOR_S
    while len(accepted) < count and time.monotonic() < deadline:
        time.sleep(0.5)
        with _direct.open(f"{stack['inbox_url']}messages.json", timeout=30) as answer:
            for message in json.load(answer)["messages"]:
                if message["tags"].get("transaction") in posted_at:
                    accepted[message["tags"]["transaction"]] = datetime.fromisoformat(message["sent_at"])
    return [(at - posted_at[id_]).total_seconds() for id_, at in accepted.items()], answered


def _enrol(stack: dict[str, Any], account: str) -> None:
    holder = {"name": "Awa Ndiaye", "email": f"{account}@example.com", "locale": "en"}
    _send(stack, "PUT", f"/accounts/{account}/holders/h", holder)


def _send(stack: dict[str, Any], method: str, path: str, body: dict[str, Any]) -> None:
    headers = {"x-api-key": stack["api_key"], "content-type": "application/json"}
    request = urllib.request.Request(  # noqa: S310 - the local cloud's own address
        stack["api_url"].rstrip("/") + path, json.dumps(body).encode(), headers, method=method
    )
    with _direct.open(request, timeout=60) as answer:
        if answer.status not in (http.client.OK, http.client.CREATED, http.client.ACCEPTED):
            raise RuntimeError(f"{path} was answered {answer.status}")


if __name__ == "__main__":
    sys.exit(main())
