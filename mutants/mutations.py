"""The mutants of a module: each is one change of its source, in one place.

Left as they are: docstrings, annotations, decorators, patterns of `match`, what is inside of an f-string, and what only
type checkers and programmers need (`cast`, `TypeVar`, `strict` of `zip`, `encoding`).
"""

import ast
from dataclasses import dataclass

from mutants.operators import NOT_DROPPED, OPERATORS

_SHOWN_AT_MOST = 120  # characters of the code that a mutant is shown in
_ONLY_FOR_TYPES = {"cast", "TypeVar", "NewType", "ParamSpec"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change. `source` and `replacement` show it with its surroundings, and name it wherever its line moves to."""

    module: str
    function: str  # "Mailer.handle"; "" outside of functions
    operator: str
    line: int
    statement: int  # the first line of the statement that it is in
    source: str
    replacement: str
    start: int
    end: int
    text: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        return self.module, self.function, self.source, self.replacement

    def applied_to(self, source: bytes) -> bytes:
        return source[: self.start] + self.text.encode() + source[self.end :]


def mutants_of(module: str, source: bytes) -> list[Mutant]:
    """Return all mutants of a module's source, in the order of their places; each of them compiles."""
    walk = _Walk(module, source)
    walk.visit(ast.parse(source))
    return sorted(walk.found, key=lambda mutant: (mutant.start, mutant.end, mutant.text))


class _Walk:
    """Goes through the tree, and knows which function it is in and what is around."""

    def __init__(self, module: str, source: bytes) -> None:
        self.found: list[Mutant] = []
        self._module = module
        self._source = source
        self._line_starts = [0]
        for line in source.splitlines(keepends=True):
            self._line_starts.append(self._line_starts[-1] + len(line))
        self._scope: list[str] = []
        self._functions = 0
        self._around: list[ast.AST] = []

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.pattern) or _is_for_types(node) or _is_docstring(node):
            return
        for name, operator in OPERATORS.items():
            for target, text in operator(node):
                self._add(name, target, text, [*self._around, node])
        self._around.append(node)
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            self._visit_definition(node)
        elif not isinstance(node, ast.JoinedStr):
            for field, value in ast.iter_fields(node):
                if field not in ("annotation", "type_comment"):
                    self._visit_all(value)
        self._around.pop()

    def _visit_definition(self, node: ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef) -> None:
        is_function = not isinstance(node, ast.ClassDef)
        if not isinstance(node, ast.ClassDef):  # defaults belong to the scope around
            self._visit_all([*node.args.defaults, *node.args.kw_defaults])
        self._scope.append(node.name)
        self._functions += is_function
        self._visit_all(node.body)
        self._functions -= is_function
        self._scope.pop()

    def _visit_all(self, value: object) -> None:
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                self.visit(child)

    def _add(self, operator: str, target: ast.AST, text: str, around: list[ast.AST]) -> None:
        start, end = self._range(target)
        is_whole = isinstance(target, ast.stmt | ast.Name | ast.Constant)
        code = text if is_whole else f"({text})"
        # Its outermost statement is enough to know whether it compiles, and much shorter than the module.
        first, last = self._range(next(node for node in [*around, target] if isinstance(node, ast.stmt)))
        try:
            compile(self._source[first:start] + code.encode() + self._source[end:last], self._module, "exec")
        except SyntaxError:
            return
        shown_start, shown_end = self._shown(target, around)
        before, after = self._source[shown_start:start], self._source[end:shown_end]
        self.found.append(
            Mutant(
                self._module,
                ".".join(self._scope) if self._functions else "",
                operator,
                target.lineno,  # type: ignore[attr-defined]
                next(node.lineno for node in reversed([*around, target]) if isinstance(node, ast.stmt)),
                _on_one_line(self._source[shown_start:shown_end]),
                _on_one_line(before + text.encode() + after),
                start,
                end,
                code,
            )
        )

    def _shown(self, target: ast.AST, around: list[ast.AST]) -> tuple[int, int]:
        """Return the range of the largest code around the target that fits on a line: at most its statement."""
        found = self._range(target)
        for node in reversed(around):
            if isinstance(getattr(node, "body", None), list):  # a compound statement, or an except clause
                break
            if hasattr(node, "lineno"):
                start, end = self._range(node)
                if len(_on_one_line(self._source[start:end])) > _SHOWN_AT_MOST:
                    break
                if start <= found[0] and end >= found[1]:
                    found = start, end
        return found

    def _range(self, node: ast.AST) -> tuple[int, int]:
        line, column, end_line, end_column = (
            getattr(node, name) for name in ("lineno", "col_offset", "end_lineno", "end_col_offset")
        )
        return self._line_starts[line - 1] + column, self._line_starts[end_line - 1] + end_column


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_for_types(node: ast.AST) -> bool:
    if isinstance(node, ast.keyword):
        return node.arg in NOT_DROPPED
    if isinstance(node, ast.If):
        return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _ONLY_FOR_TYPES


def _on_one_line(code: bytes) -> str:
    return " ".join(code.decode().split())
