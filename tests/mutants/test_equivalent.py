"""The list of mutants that no test can notice: each has a reason, and is there."""

from pathlib import Path

from mutants.equivalent import gone, reasons
from mutants.modules import core
from mutants.mutations import mutants_of

PROJECT = Path(__file__).parents[2]


def test_each_has_a_reason_and_is_still_a_mutant() -> None:
    listed = reasons()
    mutants = [
        mutant for module in core(PROJECT) for mutant in mutants_of(module.name, (PROJECT / module.file).read_bytes())
    ]

    assert all(len(reason) > 20 for reason in listed.values())
    assert not gone(listed, mutants), "the code has changed: take them off mutants/equivalent.toml"


def test_one_that_is_gone_is_named() -> None:
    (kept, *_) = mutants = mutants_of("m", b"a = 1")

    assert gone([kept.key, ("m", "", "a = 5", "a = 6")], mutants) == [("m", "", "a = 5", "a = 6")]
