"""Bodies of forms: urlencoded, multipart, or of a type that names neither."""

import sys
from types import FrameType
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.api.form_body import MAX_BYTES, form_fields
from chalicelib.errors import BodyTooLarge

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"
_DISPOSITION = b"--b\r\nContent-Disposition: form-data"
_LINE = st.text(st.characters(exclude_characters='"', exclude_categories=("Cc", "Cs")), max_size=40)
# What parsers of MIME stumble over, in any order.
_PIECES = st.sampled_from(
    [
        *(
            b"--b",
            b"--b--",
            b"\r\n",
            b"\n",
            b"\r",
            b";",
            b'"',
            b"(",
            b")",
            b"\\",
            b"<",
            b"=",
            b"=?",
            b"?=",
            b"*0*=",
            b"\0",
        ),
        *(b"Content-Disposition: ", b"Content-Type: message/rfc822", b"form-data", b'; name="do"', b"%FF", b"\xff"),
        *(b"Content-Transfer-Encoding: base64", b"; filename=", b"charset=", b" ", b"a"),
    ]
)


class Sent(NamedTuple):
    """A request as far as its body goes."""

    raw_body: bytes
    headers: dict[str, str]


def read(body: bytes, content_type: str | None = URLENCODED) -> Any:
    request: Any = Sent(body, {} if content_type is None else {"content-type": content_type})
    return form_fields(request)


def part(name: str, value: str) -> str:
    return f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'


@pytest.mark.parametrize("content_type", [URLENCODED, f"{URLENCODED}; charset=UTF-8", "text/plain", "x", "", None])
def test_a_form_is_read_by_what_it_holds_whatever_its_type_is_called(content_type: str | None) -> None:
    assert read(b"do=emails_on&types=a&types=b&empty=", content_type) == {
        "do": ["emails_on"],
        "types": ["a", "b"],
        "empty": [""],
    }


@pytest.mark.parametrize("content_type", ["multipart/form-data; boundary=b", 'Multipart/Form-Data; boundary="b"'])
def test_a_multipart_form_is_read_too(content_type: str) -> None:
    body = f"{part('do', 'emails_on')}{part('types', 'a')}{part('types', 'é')}--b--\r\n".encode()
    assert read(body, content_type) == {"do": ["emails_on"], "types": ["a", "é"]}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", URLENCODED),
        (b"", None),
        (b"&" * 900, URLENCODED),
        (b"a=1&" * 900, URLENCODED),
        (b"no parts", "multipart/form-data; boundary=b"),
        (b"--b\r\n\r\nno name\r\n--b--", "multipart/form-data; boundary=b"),
        (b"a=1", "multipart/form-data"),
        (b'--b\r\nContent-Disposition: form-data; name="do"\r\n\r\nx', MULTIPART),
        (_DISPOSITION + b"; name=do\r\n\r\nx\r\n--b--", MULTIPART),
        (_DISPOSITION + b'; other="; name="do"\r\n\r\nx\r\n--b--', MULTIPART),
        (_DISPOSITION + b'; name="' + b"x" * 1024 + b'"\r\n\r\nx\r\n--b--', MULTIPART),
        ((_DISPOSITION + b'; name="do"\r\n\r\nx\r\n') * 51 + b"--b--", MULTIPART),
    ],
)
def test_what_is_no_form_has_no_fields(body: bytes, content_type: str | None) -> None:
    assert read(body, content_type) == {}


def test_a_body_over_the_limit_is_refused() -> None:
    assert read(b"a=" + b"x" * (MAX_BYTES - 2))["a"]
    with pytest.raises(BodyTooLarge):
        read(b"a=" + b"x" * (MAX_BYTES - 1))


@given(st.lists(st.tuples(_LINE, st.text(st.characters(exclude_categories=("Cs",)))), max_size=50))
def test_the_parts_that_a_browser_sends_are_read_exactly(fields: list[tuple[str, str]]) -> None:
    boundary = "----WebKitFormBoundaryAbc"
    body = "".join(part(name, value) for name, value in fields).replace("--b\r\n", f"--{boundary}\r\n")
    expected: dict[str, list[str]] = {}
    for name, value in fields:
        expected.setdefault(name, []).append(value)
    assert read(f"{body}--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}") == expected


@given(
    st.binary() | st.lists(_PIECES, max_size=60).map(b"".join),
    st.sampled_from([MULTIPART, URLENCODED]) | st.text(max_size=30).map("multipart/form-data; boundary={}".format),
)
def test_whatever_is_sent_is_a_form_or_none(body: bytes, content_type: str) -> None:
    for name, values in read(body, content_type).items():
        assert isinstance(name, str)
        assert values


@pytest.mark.parametrize("before", [b"", b"--b\r\n", _DISPOSITION, _DISPOSITION + b'; name="a'])
@pytest.mark.parametrize(
    "repeated", [b";", b"(", b'"', b"\r\n", b"--b\r\n", b"\r\n--b", b'; name="a"', b"a:b\r\n", b"=?", b"\r"]
)
def test_a_body_that_is_made_to_be_hard_to_read_takes_a_bounded_number_of_steps(before: bytes, repeated: bytes) -> None:
    steps = 0

    def on_event(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal steps
        steps += event in ("call", "c_call")

    body = before + repeated * ((MAX_BYTES - 100) // len(repeated)) + b"\r\n\r\nx\r\n--b--"
    sys.setprofile(on_event)
    try:
        read(body, MULTIPART)
    finally:
        sys.setprofile(None)
    assert steps < 500
