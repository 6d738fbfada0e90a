"""Card numbers for tests: published ones, made-up ones of all issuers, and how they are written."""

from hypothesis import strategies as st
from stdnum import luhn

# Numbers that the schemes and payment providers publish for tests; a few are made up for a prefix or a length.
CARDS = {
    "Visa": ["4111111111111111", "4012888888881881", "4242424242424242", "4000056655665556"],
    "Visa, 13 and 19 digits": ["4222222222222", "4111141011111111116"],
    "Mastercard": ["5555555555554444", "5105105105105100", "5454545454545454", "2223003122003222", "2720990000000015"],
    "American Express": ["378282246310005", "371449635398431", "378734493671000", "343434343434343"],
    "Diners Club": ["30569309025904", "38520000023237", "36227206271667", "36259600000004", "3056930009020004"],
    "Discover": ["6011111111111117", "6011000990139424", "6011601160116611", "6445644564456445", "6510000000000034"],
    "JCB": ["3530111333300000", "3566002020360505", "3528000000000007"],
    "UnionPay": ["6200000000000005", "6250941006528599", "6243030000000001", "6221261111117766", "6205500000000000004"],
    "Maestro": ["6759649826438453", "6799990100000000019", "6304000000000000", "5641820000000005", "6771798025000004"],
    "Maestro, Laser": ["6304985028090561515", "63049060000000005", "5018000000000009", "5893000000000009"],
    "Mir": ["2200000000000004", "2200770212727079"],
    "RuPay": ["6073849700004947", "8172000000000005"],
    "Verve": ["5060990580000217499", "5061460410120223210", "5078500000000005"],
    "others": ["9792030394440796", "5019717010103742", "6062826786276634", "6362970000457013", "8600000000000007"],
}
ALL_CARDS = [number for numbers in CARDS.values() for number in numbers]

# Each issuer's first six digits, from and to, with the lengths of its numbers, from and to; those of Visa apart.
ISSUERS = [
    (510000, 559999, 16, 16), (222100, 272099, 16, 16), (340000, 349999, 15, 15), (370000, 379999, 15, 15),
    (300000, 305999, 14, 19), (309500, 309599, 14, 19), (360000, 369999, 14, 19), (380000, 399999, 14, 19),
    (352800, 358999, 16, 19), (500000, 509999, 16, 19), (560000, 589999, 16, 19), (600000, 699999, 16, 19),
    (220000, 220499, 16, 19), (220500, 220599, 16, 16), (810000, 829999, 16, 16), (979200, 979299, 16, 16),
    (970400, 970499, 16, 16), (970400, 970499, 19, 19), (860000, 860099, 16, 16), (986000, 986099, 16, 16),
    (968200, 968299, 16, 16),
]  # fmt: skip


def could_be_a_card(text: str) -> bool:
    """Whether the digits of `text`, all of them, have an issuer's prefix with its length, and the check digit."""
    digits = "".join(filter(str.isdecimal, text))
    if not 13 <= len(digits) <= 19 or not luhn.is_valid(digits):
        return False
    if digits[0] == "4":
        return len(digits) in (13, 16, 19)
    return any(low <= int(digits[:6]) <= high and least <= len(digits) <= most for low, high, least, most in ISSUERS)


def grouped(text: str, *sizes: int) -> str:
    """Return `text` in groups of these sizes, the last of which is repeated."""
    groups, place, size = [], 0, 0
    while place < len(text):
        size = sizes[len(groups)] if len(groups) < len(sizes) else size
        groups.append(text[place : place + size])
        place += size
    return " ".join(groups)


def with_luhn(number: str) -> str:
    return number + luhn.calc_check_digit(number)


def in_fours(digits: str) -> list[str]:
    return grouped(digits, 4).split(" ")


def as_printed(digits: str) -> str:
    """Return the number in its scheme's own groups."""
    return grouped(digits, *{15: (4, 6, 5), 14: (4, 6, 4)}.get(len(digits), (4,)))


@st.composite
def issued_numbers(draw: st.DrawFn) -> str:
    """A number of some issuer: its prefix, one of its lengths, and the check digit."""
    low, high, least, most = draw(
        st.sampled_from([*ISSUERS, *((400000, 499999, length, length) for length in (13, 16, 19))])
    )
    rest = draw(st.integers(least, most)) - 7
    return with_luhn(f"{draw(st.integers(low, high))}{draw(st.integers(0, 10**rest - 1)):0{rest}}")


@st.composite
def group_sizes(draw: st.DrawFn, length: int) -> tuple[int, ...]:
    """The sizes of the groups in which a number of this length may be written; the last of them is repeated."""
    usual = [(length,), (1,), (2,), (4,), (5,), (6, length - 6), (8,)]
    by_length = {14: [(4, 6, 4)], 15: [(4, 6, 5)], 19: [(4, 4, 4, 4, 3), (6, 4, 4, 5), (5, 5, 4, 5)]}
    if length == 16 and draw(st.booleans()):
        return tuple(draw(st.lists(st.integers(1, 6), min_size=16, max_size=16)))
    return draw(st.sampled_from([*usual[: None if length > 14 else 5], *by_length.get(length, [])]))
