"""The values of tags: SES takes them, and each comes back as the text that it stands for."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.mail.tags import from_tag, to_tag

TAKEN = re.compile(r"[A-Za-z0-9_-]{1,256}")
IDS = st.from_regex(r"[A-Za-z0-9._@-]{1,100}", fullmatch=True)


@given(IDS)
def test_each_id_comes_back_from_a_value_that_ses_takes(value: str) -> None:
    assert TAKEN.fullmatch(to_tag(value))
    assert from_tag(to_tag(value)) == value


@pytest.mark.parametrize("value", ["t0", "tx_1-2", "-", "EAZYCARD"])
def test_what_ses_takes_stays_as_it_is(value: str) -> None:
    assert to_tag(value) == value


@pytest.mark.parametrize("value", ["payroll.2026.1", "statement@h@2026-W01", "--x", "--"])
def test_what_ses_refuses_or_looks_encoded_is_encoded(value: str) -> None:
    assert to_tag(value).startswith("--")
    assert to_tag(value) != value


@pytest.mark.parametrize("tag", ["--!", "--_w"])
def test_what_is_no_value_of_ours_is_refused(tag: str) -> None:
    with pytest.raises(ValueError):
        from_tag(tag)
