"""What a small change is: a table of operators. Each finds what it can change at a node of the syntax tree.

Keyword arguments that only programmers need (`strict` of `zip`, `encoding`) stay.
"""

import ast
import copy
from collections.abc import Callable, Iterable, Iterator

NOT_DROPPED = {"strict", "encoding"}

Change = tuple[ast.AST, str]  # a node, and the code in its place


def _with(node: ast.AST, **fields: object) -> str:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return ast.unparse(changed)


_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
_CALLS = {"min": "max", "max": "min", "any": "all", "all": "any"}


def _comparison(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            ops = [*node.ops[:place], _COMPARISONS[type(operator)](), *node.ops[place + 1 :]]
            yield node, _with(node, ops=ops)


def _boolean(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.BoolOp):
        yield node, _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())


def _operand(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.BoolOp):
        for place in range(len(node.values)):
            left = [*node.values[:place], *node.values[place + 1 :]]
            yield node, _with(node, values=left) if len(left) > 1 else ast.unparse(left[0])


def _not(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node, ast.unparse(node.operand)


def _condition(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.If | ast.IfExp | ast.While) and not isinstance(node.test, ast.Constant):
        yield node.test, "False"
        if not isinstance(node, ast.While):
            yield node.test, "True"
    elif isinstance(node, ast.comprehension):
        yield from ((condition, "True") for condition in node.ifs)


def _constant(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.JoinedStr):
        yield node, "''"
    if not isinstance(node, ast.Constant):
        return
    value = node.value
    if isinstance(value, bool):
        yield node, str(not value)
    elif isinstance(value, int | float):
        yield node, str(value + 1)
        yield node, str(value - 1)
    elif isinstance(value, str):
        yield node, "''" if value else "'mutant'"
    elif isinstance(value, bytes):
        yield node, "b''" if value else "b'mutant'"


def _arithmetic(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in _ARITHMETIC:
        yield node, _with(node, op=_ARITHMETIC[type(node.op)]())


def _call(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.Name) and node.id in _CALLS:
        yield node, _CALLS[node.id]


def _keyword(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.Call):
        for keyword in node.keywords:
            if keyword.arg not in NOT_DROPPED:
                yield node, _with(node, keywords=[other for other in node.keywords if other is not keyword])


def _slice(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        for bound in ("lower", "upper", "step"):
            if getattr(node.slice, bound) is not None:
                cut = copy.copy(node.slice)
                setattr(cut, bound, None)
                yield node, _with(node, slice=cut)


def _statement(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.Raise | ast.Delete) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        yield node, "pass"
    elif isinstance(node, ast.Break | ast.Continue):
        yield node, "continue" if isinstance(node, ast.Break) else "break"


def _return(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.Return) and node.value is not None and not isinstance(node.value, ast.Constant):
        yield node, "return None"


OPERATORS: dict[str, Callable[[ast.AST], Iterable[Change]]] = {
    "comparison": _comparison,
    "and, or": _boolean,
    "operand of and, or dropped": _operand,
    "not dropped": _not,
    "condition": _condition,
    "constant": _constant,
    "arithmetic": _arithmetic,
    "min, max, any, all": _call,
    "keyword argument dropped": _keyword,
    "bound of a slice dropped": _slice,
    "statement removed": _statement,
    "return value": _return,
}
