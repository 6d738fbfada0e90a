"""The mutants of a module: what is changed, what is left alone, and how one is named."""

from pathlib import Path

from mutants.modules import core
from mutants.mutations import mutants_of

PROJECT = Path(__file__).parents[2]
SOURCE = '''"""A docstring."""

from typing import cast


class Money:
    LIMIT: "int" = 7

    def rounded(self, places: int = 2) -> "str":
        """Another docstring."""
        if self.é and (
            places
            < 3
        ):
            return f"{self.amount:.2f}"
        return cast("str", self.amount)
'''


def test_a_mutant_is_named_by_its_function_and_by_its_code_on_one_line() -> None:
    found = {
        (mutant.function, mutant.source, mutant.replacement): mutant for mutant in mutants_of("m", SOURCE.encode())
    }

    assert ("", 'LIMIT: "int" = 7', 'LIMIT: "int" = 8') in found
    # A default is evaluated with what is around the function.
    assert ("", "2", "3") in found
    bound = found["Money.rounded", "self.é and ( places < 3 )", "self.é and ( places <= 3 )"]
    assert (bound.line, bound.statement) == (12, 11)


def test_docstrings_annotations_and_hints_for_type_checkers_are_left_alone() -> None:
    changed = [mutant.applied_to(SOURCE.encode()).decode() for mutant in mutants_of("m", SOURCE.encode())]

    kept = ('"""A docstring."""', '"""Another docstring."""', 'LIMIT: "int"', '-> "str"', "places: int")
    assert all(text in code for code in changed for text in kept)
    assert all('cast("str", self.amount)' in code or "return None" in code for code in changed)
    assert all('{self.amount:.2f}"' in code or "return ('')" in code or "return None" in code for code in changed)


def test_moved_lines_keep_the_name() -> None:
    keys = [mutant.key for mutant in mutants_of("m", SOURCE.encode())]

    assert [mutant.key for mutant in mutants_of("m", b"\n\n" + SOURCE.encode())] == keys


def test_every_core_module_has_mutants_which_all_compile_and_differ() -> None:
    for module in core(PROJECT):
        source = (PROJECT / module.file).read_bytes()
        mutants = mutants_of(module.name, source)
        changed = {mutant.applied_to(source) for mutant in mutants}
        assert changed
        assert source not in changed
        for code in changed:
            compile(code, module.file, "exec")
