"""Each operator, by an example of code and all that it becomes."""

import pytest

from mutants.mutations import mutants_of
from mutants.operators import OPERATORS

# By operator: the code, and what becomes of it.
EXAMPLES = {
    "comparison": [
        ("a < b", ["a <= b"]),
        ("a >= b", ["a > b"]),
        ("a == b", ["a != b"]),
        ("a is not b", ["a is b"]),
        ("a in b", ["a not in b"]),
        ("a < b <= c", ["a <= b <= c", "a < b < c"]),
    ],
    "and, or": [("a and b", ["a or b"]), ("a or b or c", ["a and b and c"])],
    "operand of and, or dropped": [("a and b", ["a", "b"]), ("a or b or c", ["a or b", "a or c", "b or c"])],
    "not dropped": [("not a", ["a"])],
    "condition": [
        ("if a: b", ["if False: b", "if True: b"]),
        ("while a: b", ["while False: b"]),
        ("a if b else c", ["a if False else c", "a if True else c"]),
        ("[a for a in b if c]", ["[a for a in b if True]"]),
    ],
    "constant": [
        ("a = 1", ["a = 0", "a = 2"]),
        ("a = 'b'", ["a = ''"]),
        ("a = ''", ["a = 'mutant'"]),
        ("a = f'{b}'", ["a = ''"]),
        ("a = b'c'", ["a = b''"]),
        ("a = True", ["a = False"]),
        ("a = None", []),
    ],
    "arithmetic": [("a + b", ["a - b"]), ("a * b", ["a / b"]), ("a // b", ["a * b"]), ("a -= b", ["a += b"])],
    "min, max, any, all": [("min(a)", ["max(a)"]), ("all(a)", ["any(a)"]), ("a.min()", [])],
    "keyword argument dropped": [("a(b, c=d)", ["a(b)"]), ("zip(a, b, strict=True)", []), ("a(**b)", ["a()"])],
    "bound of a slice dropped": [("a[b:c]", ["a[:c]", "a[b:]"]), ("a[b]", [])],
    "statement removed": [
        ("a()", ["pass"]),
        ("raise A", ["pass"]),
        ("while a: break", ["while a: continue"]),
        ("for a in b: continue", ["for a in b: break"]),
    ],
    "return value": [("def a(): return b", ["def a(): return None"]), ("def a(): return", [])],
}


def test_there_is_an_example_for_each_operator() -> None:
    assert EXAMPLES.keys() == OPERATORS.keys()


@pytest.mark.parametrize(
    ("operator", "code", "changed"),
    [(operator, code, changed) for operator, examples in EXAMPLES.items() for code, changed in examples],
)
def test_it_changes_code_into(operator: str, code: str, changed: list[str]) -> None:
    mutants = [mutant for mutant in mutants_of("m", code.encode()) if mutant.operator == operator]
    texts = [mutant.applied_to(code.encode()).decode() for mutant in mutants]

    assert sorted(text.replace("(", "").replace(")", "") for text in texts) == sorted(
        text.replace("(", "").replace(")", "") for text in changed
    )
