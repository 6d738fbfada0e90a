"""SnapStart: what is in a snapshot, and what a restored function makes anew. The runtime's hooks are called by hand."""

import random
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import SimpleNamespace

import pytest

import app as app_module
from chalicelib import late
from chalicelib.aws import clients, snapshot
from chalicelib.aws.stage import from_environment
from chalicelib.banks.bank import Bank, hash_key
from chalicelib.banks.plans import Metered
from chalicelib.errors import UnknownApiKey
from chalicelib.services import Services
from tests.app_bench import AWS, KEY, SMALLEST, Bench
from tests.conftest import SETTINGS

STANDARD = Bank("eazycard", "EAZYCard", "XAF", "standard")
SNAP_START = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}


class Runtime:
    """Lambda's runtime: it calls what is registered, before the snapshot in reverse order, after a restore in order."""

    def __init__(self) -> None:
        self.before: list[Callable[[], object]] = []
        self.after: list[Callable[[], object]] = []

    def snapshot(self) -> None:
        for hook in reversed(self.before):
            hook()

    def restore(self) -> None:
        for hook in self.after:
            hook()


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    found = Runtime()
    library = SimpleNamespace(register_before_snapshot=found.before.append, register_after_restore=found.after.append)
    monkeypatch.setitem(sys.modules, "snapshot_restore_py", library)  # type: ignore[arg-type]
    yield found
    clients.forget()


@pytest.mark.parametrize("how", [{}, {"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"}])
def test_without_a_snapshot_nothing_is_registered(runtime: Runtime, how: dict[str, str]) -> None:
    snapshot.register(lambda: None, lambda: None, how)
    assert not runtime.before + runtime.after


def test_outside_of_lambda_the_runtime_s_library_is_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "snapshot_restore_py", None)  # importing it fails
    snapshot.register(lambda: None, lambda: None, {})
    with pytest.raises(ImportError):
        snapshot.register(lambda: None, lambda: None, SNAP_START)


def test_all_routes_are_loaded_into_the_snapshot(runtime: Runtime) -> None:
    snapshot.register(late.load, lambda: None, SNAP_START)
    runtime.snapshot()
    assert not [name for name, module in sys.modules.items() if type(module).__name__ == "_LazyModule"]


def test_a_restored_function_has_new_clients_and_credentials(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot.register(lambda: None, lambda: None, SNAP_START)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-the-snapshot")
    clients.forget()
    before = clients.client("sqs"), clients.client("dynamodb")
    runtime.snapshot()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "after-the-restore")
    assert clients.client("sqs") is before[0]
    runtime.restore()
    after = clients.client("sqs"), clients.client("dynamodb")
    assert not set(map(id, before)) & set(map(id, after))
    assert all(one._request_signer._credentials.access_key == "after-the-restore" for one in after)


def test_functions_of_one_snapshot_don_t_wait_alike(runtime: Runtime) -> None:
    snapshot.register(lambda: None, lambda: None, SNAP_START)
    runtime.snapshot()
    state = random.getstate()
    waits = []
    for _ in range(2):
        random.setstate(state)  # as each restored function has it
        runtime.restore()
        waits.append(random.random())
    assert waits[0] != waits[1]


def test_a_restored_app_answers_by_what_is_true_then(
    bench: Bench, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_module, "services", app_module.services)  # put back afterwards
    snapshot.register(late.load, app_module.renew, SNAP_START)
    before = app_module.services
    assert bench.post(SMALLEST).status_code == 201
    runtime.snapshot()
    before.bank_store.delete_api_key(hash_key(KEY))
    assert before.banks.resolve(KEY), "the cache still has the key: it was kept a moment ago"
    runtime.restore()
    assert app_module.services is not before
    with pytest.raises(UnknownApiKey):
        app_module.services.banks.resolve(KEY)


def test_hours_later_neither_secret_nor_quota_of_the_snapshot_is_used(bench: Bench) -> None:
    frozen = _function(bench)
    frozen.quotas.take(STANDARD, Metered.TRANSACTIONS, 3)
    frozen.quotas.take(STANDARD, Metered.TRANSACTIONS, 1)  # leaves a part of its lease in memory
    assert frozen.cursor_secret() == "a secret"
    AWS["secretsmanager"].put_secret_value(SecretId=SETTINGS["CURSOR_SECRET_ARN"], SecretString="rotated")
    bench.now += timedelta(hours=3)
    first, second = _function(bench), _function(bench)  # both from the one snapshot
    assert first.cursor_secret() == second.cursor_secret() == "rotated"
    used = [_used(bench)]
    for restored in (first, second):
        restored.quotas.take(STANDARD, Metered.TRANSACTIONS, 1)
        used.append(_used(bench))
    assert used[0] < used[1] < used[2], "each took from the table, and not from what both had kept"


def _function(bench: Bench) -> Services:
    """Return what `app.renew` makes, on this test's clock."""
    return Services(from_environment(SETTINGS), {**AWS, "dynamodb": bench.dynamodb}.__getitem__, lambda: bench.now)


def _used(bench: Bench) -> int:
    return _function(bench).used_quotas.used("eazycard", Metered.TRANSACTIONS, bench.now.date()).taken
