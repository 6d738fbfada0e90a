"""Functions get their changed code wherever they are kept; what that would not reach is refused."""

import functools
import gc
import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mutants.swap import Functions, NotInPlace, Started, outermost

SOURCE = '''"""Text."""
import functools
from dataclasses import dataclass


def limit():
    return 10


@functools.lru_cache
def cached(number):
    return number + limit()


@dataclass(frozen=True)
class Account:
    number: int

    @property
    def is_many(self):
        return self.number > limit()

    @staticmethod
    def of(number):
        def inner():
            return Account(number)

        return inner()

    def text(self):
        return super().__repr__() and [f"{self.number}" for _ in range(1)][0]


TABLE = {"limit": limit}
AT_IMPORT = limit()
'''


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "swapped_account.py").write_text(SOURCE)
    yield importlib.import_module("swapped_account")
    del sys.modules["swapped_account"]


def changed(module: ModuleType, before: str, then: str, started: Any = ()) -> None:
    file = str(module.__file__)
    line = SOURCE[: SOURCE.index(before)].count("\n") + 1
    Functions([file], started).change(file, SOURCE.replace(before, then, 1).encode(), line)


def test_a_function_that_is_left_out_of_garbage_collection_is_changed_too(account: ModuleType) -> None:
    gc.collect()
    gc.freeze()
    try:
        changed(account, "return 10", "return 20")
    finally:
        gc.unfreeze()

    assert account.limit() == 20


def test_who_has_the_function_already_calls_the_changed_one(account: ModuleType) -> None:
    by_name: Callable[[], int] = account.limit
    bound = functools.partial(by_name)

    changed(account, "return 10", "return 20")

    assert (account.limit(), by_name(), bound(), account.TABLE["limit"](), account.cached(1)) == (20, 20, 20, 20, 21)
    assert not account.Account(11).is_many
    assert account.AT_IMPORT == 10


@pytest.mark.parametrize(
    ("before", "then", "result"),
    [
        ("self.number > limit()", "self.number < limit()", lambda module: module.Account(3).is_many),
        ("Account(number)", "Account(-number)", lambda module: module.Account.of(3).number == -3),
        ("return number + limit()", "return number - limit()", lambda module: module.cached.__wrapped__(3) == -7),
        ('f"{self.number}"', "'mutant'", lambda module: module.Account(3).text() == "mutant"),
    ],
)
def test_methods_properties_closures_and_what_is_decorated_change(
    account: ModuleType, before: str, then: str, result: Callable[[ModuleType], bool]
) -> None:
    assert not result(account)

    changed(account, before, then)

    assert result(account)


@pytest.mark.parametrize(
    ("before", "then"),
    [
        ("AT_IMPORT = limit()", "AT_IMPORT = None"),  # in no function
        ("super().__repr__() and ", ""),  # another number of free variables
    ],
)
def test_what_needs_another_import_is_refused(account: ModuleType, before: str, then: str) -> None:
    with pytest.raises(NotInPlace):
        changed(account, before, then)


def test_a_function_that_nobody_has_any_more_is_refused(account: ModuleType) -> None:
    del account.limit, account.TABLE

    with pytest.raises(NotInPlace):
        changed(account, "return 10", "return 20")


def test_a_function_that_was_called_by_an_import_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    file = tmp_path / "swapped_at_import.py"
    file.write_text(SOURCE)
    tracing = sys.gettrace()
    started = Started([str(file)])
    module = importlib.import_module("swapped_at_import")
    started.end()
    sys.settrace(tracing)

    assert (str(file), SOURCE[: SOURCE.index("def limit")].count("\n") + 1) in started.places
    with pytest.raises(NotInPlace):
        changed(module, "return 10", "return 20", started.places)
    changed(module, "return number + limit()", "return number - limit()", started.places)
    assert module.cached(1) == -9


def test_the_outermost_functions_are_found_in_their_order() -> None:
    names = [code.co_qualname for code in outermost(SOURCE.encode(), "account.py")]

    assert names == ["limit", "cached", "Account.is_many", "Account.of", "Account.text"]
