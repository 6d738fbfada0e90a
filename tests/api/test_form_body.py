"""Bodies of forms: urlencoded, multipart, or of a type that names neither."""

from typing import Any, NamedTuple

import pytest

from chalicelib.api.form_body import MAX_BYTES, form_fields
from chalicelib.errors import BodyTooLarge

URLENCODED = "application/x-www-form-urlencoded"


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
    ],
)
def test_what_is_no_form_has_no_fields(body: bytes, content_type: str | None) -> None:
    assert read(body, content_type) == {}


def test_a_body_over_the_limit_is_refused() -> None:
    assert read(b"a=" + b"x" * (MAX_BYTES - 2))["a"]
    with pytest.raises(BodyTooLarge):
        read(b"a=" + b"x" * (MAX_BYTES - 1))
