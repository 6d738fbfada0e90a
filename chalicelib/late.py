"""Has a function load its routes when they are first used: a cold start takes less without what it does not need.

`app.py` imports this before all others. After it, `from chalicelib.api import staff_cases` binds a module that isn't
loaded yet, and its first use loads it. That is so for each module of `chalicelib.api`, and only in a Lambda function,
whose requests come one by one: commands, `chalice local` and tests load all of them at once.

What the other packages have is imported where it is made (`services`, `stores`).
"""

import importlib.util
import os
import re
import sys
from collections.abc import Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

_ROUTES = "chalicelib.api."
# Its two patterns for addresses take a fifth of a cold `POST`, which has no address.
_PATTERNS = "marshmallow.validate"


class LatePattern:
    """Takes the place of a compiled pattern: compiles it when a text is first matched."""

    _compile = staticmethod(re.compile)

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self.pattern, self._flags = pattern, flags

    def match(self, text: str) -> re.Match[str] | None:
        return self._compile(self.pattern, self._flags).match(text)  # `re` keeps what it has compiled


class _LatePatterns(Loader):
    """Executes a module, and has it compile its own patterns late."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        whole = re.compile
        re.compile = LatePattern  # type: ignore[assignment]
        try:
            self._loader.exec_module(module)
        finally:
            re.compile = whole


class Finder(MetaPathFinder):
    """Finds modules as Python does, and has those named above loaded or compiled late."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not (name.startswith(_ROUTES) or name == _PATTERNS):
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = (_LatePatterns if name == _PATTERNS else importlib.util.LazyLoader)(spec.loader)
        return spec


def load() -> None:
    """Load all that is bound and not loaded, for a snapshot: a function that is restored from it has it at once."""
    for name in [name for name in sys.modules if name.startswith(_ROUTES)]:
        vars(sys.modules[name])


def install(environment: Mapping[str, str] = os.environ) -> None:
    """Have modules loaded late from now on, if this is a Lambda function."""
    if "AWS_LAMBDA_FUNCTION_NAME" in environment:
        sys.meta_path.insert(0, Finder())


install()
