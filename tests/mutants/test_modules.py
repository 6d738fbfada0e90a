"""The list of core modules: each exists, and so do its tests."""

from pathlib import Path

from mutants.modules import CORE, core

PROJECT = Path(__file__).parents[2]


def test_each_module_and_its_tests_exist() -> None:
    modules = core(PROJECT)

    assert [module.name for module in modules] == list(CORE)
    for module in modules:
        assert (PROJECT / module.file).is_file()
        assert module.tests
        assert all((PROJECT / test).is_file() for test in module.tests)


def test_a_module_s_own_tests_are_among_them() -> None:
    (pacing,) = [module for module in core(PROJECT) if module.name == "mail.pacing"]

    assert pacing.tests[0] == "tests/mail/test_pacing.py"
