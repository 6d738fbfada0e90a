"""Changes functions of modules that are imported already: each function object gets the changed code.

Whoever has imported the function by name, or keeps it in a table or behind a decorator, then calls the changed one.
What is evaluated at the import can't be changed like this.
"""

import gc
import inspect
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import CodeType, FrameType, FunctionType

Place = tuple[str, int]  # a file, and the first line of a function


class NotInPlace(Exception):
    """The change can only be made by importing anew."""


class Started:
    """Notes which functions of some files are called from now on: their results may be kept from then on."""

    def __init__(self, files: Iterable[str]) -> None:
        self.places: set[Place] = set()
        self._files = frozenset(files)
        sys.settrace(self._called)

    def end(self) -> None:
        if sys.gettrace() != self._called:
            raise RuntimeError("something else has traced meanwhile")
        sys.settrace(None)

    def _called(self, frame: FrameType, _event: str, _argument: object) -> None:
        if frame.f_code.co_filename in self._files:
            self.places.add((frame.f_code.co_filename, frame.f_code.co_firstlineno))


class Functions:
    """The functions of some files, as this process has imported them. `started`: those that have been called."""

    def __init__(self, files: Iterable[str], started: Iterable[Place] = ()) -> None:
        self._started = frozenset(started)
        self._sources = {file: Path(file).read_bytes() for file in files}
        self._found: dict[Place, list[FunctionType]] = defaultdict(list)
        gc.unfreeze()  # what a run's conftest has frozen isn't listed
        for value in gc.get_objects():
            if type(value) is FunctionType and value.__code__.co_filename in self._sources:
                self._found[value.__code__.co_filename, value.__code__.co_firstlineno].append(value)

    def change(self, file: str, source: bytes, line: int) -> None:
        """Let the function around the line have the code that it has in this source. Raises NotInPlace."""
        around = [pair for pair in self._pairs(file, source) if pair[0].co_firstlineno <= line <= _last_line(pair[0])]
        if len(around) != 1 or (file, around[0][0].co_firstlineno) in self._started:
            raise NotInPlace
        self._swap(*around[0])

    def change_all(self, file: str, source: bytes) -> None:
        """Let all functions have the code that they have in this source, which does the same. Raises NotInPlace."""
        for before, then in self._pairs(file, source):
            self._swap(before, then)

    def _pairs(self, file: str, source: bytes) -> list[tuple[CodeType, CodeType]]:
        return list(zip(outermost(self._sources[file], file), outermost(source, file), strict=True))

    def _swap(self, before: CodeType, then: CodeType) -> None:
        functions = [one for one in self._found[before.co_filename, before.co_firstlineno] if one.__code__ == before]
        if not functions:
            raise NotInPlace
        for function in functions:
            try:
                function.__code__ = then
            except ValueError:  # another number of free variables
                raise NotInPlace from None


def outermost(source: bytes, file: str) -> list[CodeType]:
    """Return the code of each function that is in no other function, in the order of the source."""
    return list(_outermost(compile(source, file, "exec", dont_inherit=True)))


def _outermost(code: CodeType) -> Iterator[CodeType]:
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            if not inner.co_flags & inspect.CO_OPTIMIZED or inner.co_name.startswith("<generic parameters"):
                yield from _outermost(inner)
            elif not inner.co_name.startswith("<"):
                yield inner


def _last_line(code: CodeType) -> int:
    lines = [line for _, _, line in code.co_lines() if line is not None]
    return max([*lines, *(_last_line(inner) for inner in code.co_consts if isinstance(inner, CodeType))])
