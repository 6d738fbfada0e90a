"""How many identifiers of other kinds are taken for card numbers: `python -m tests.card_figures` prints a table."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from random import Random

from stdnum import ean
from stdnum.be import ogm_vcs
from stdnum.ch import esr
from stdnum.cz import bankaccount
from stdnum.fr import nir
from stdnum.iso7064 import mod_97_10

from chalicelib.ledger.card_numbers import holds_card_number
from tests.cards import could_be_a_card, grouped, with_luhn

MADE = 1000


def digits(random: Random, count: int) -> str:
    return "".join(random.choices("0123456789", k=count))


def letters(random: Random, count: int) -> str:
    return "".join(random.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=count))


BBANS: Mapping[str, Callable[[Random], str]] = {
    "CM": lambda random: with_rib_key(digits(random, 21)),
    "SN": lambda random: f"SN{digits(random, 22)}",
    "CI": lambda random: f"CI{digits(random, 22)}",
    "FR": lambda random: digits(random, 19) + random.choice((digits(random, 2), letters(random, 1) + "7")) + "42",
    "DE": lambda random: digits(random, 18),
    "GB": lambda random: letters(random, 4) + digits(random, 14),
    "BE": lambda random: digits(random, 12),
    "CH": lambda random: digits(random, 17),
    "TN": lambda random: with_rib_key(digits(random, 18)),
    "MA": lambda random: with_rib_key(digits(random, 22)),
}


def with_rib_key(number: str) -> str:
    """Return an account's number with the key that makes it divisible by 97 (France, CEMAC, UEMOA, Maghreb)."""
    return f"{number}{97 - int(number) * 100 % 97:02}"


def with_mod_97(code: str, rest: str) -> str:
    return code + mod_97_10.calc_check_digits(rest + code) + rest


def iban(random: Random, country: str) -> str:
    return with_mod_97(country, BBANS[country](random))


def siret(random: Random) -> str:
    return with_luhn(with_luhn(digits(random, 8)) + digits(random, 4))


def kid(random: Random) -> str:
    """Return a Norwegian KID: 2 to 25 digits, the last by modulus 10 or by modulus 11, where a dash stands for ten."""
    number = digits(random, random.randint(1, 24))
    if random.random() < 0.5:
        return with_luhn(number)
    weighted = sum(int(digit) * (2 + place % 6) for place, digit in enumerate(reversed(number)))
    return number + "0123456789-"[-weighted % 11]


def qr_reference(random: Random) -> str:
    number = digits(random, 26)
    return number + esr.calc_check_digit(number)


def rf_reference(random: Random) -> str:
    return with_mod_97("RF", digits(random, random.randint(4, 21)))


def filled(random: Random, form: str) -> str:
    return "".join(digits(random, 1) if character == "#" else character for character in form)


PHONES = [
    "+237 6## ## ## ##", "6########", "6## ## ## ##", "+221 7# ### ## ##", "+225 07 ## ## ## ##", "0# ## ## ## ##",
    "+33 6 ## ## ## ##", "+49 15## #######", "+4915#########", "00491## ########", "+44 7### ######", "07### ######",
    "+32 4## ## ## ##", "+41 7# ### ## ##", "+216 ## ### ###", "## ### ###", "## ## ## ##", "+212 6## ######",
]  # fmt: skip


def phone_pair(random: Random) -> str:
    form = random.choice(PHONES)
    other = form if random.random() < 0.7 else random.choice(PHONES)
    return filled(random, form) + random.choice([" / ", "/", " - ", " ", ", "]) + filled(random, other)


def day(random: Random) -> date:
    return date(2020, 1, 1) + timedelta(days=random.randrange(3650))


def date_and_reference(random: Random) -> str:
    form = random.choice(["%d/%m/%Y", "%d.%m.%Y", "%Y-%m-%d", "%Y%m%d", "%d%m%Y", "%d%m%y", "%d/%m/%y"])
    reference = filled(
        random, random.choice(["######", "########", "##########", "####-####", "### ### ###", "##/####"])
    )
    return day(random).strftime(form) + random.choice([" ", "-", "/", " REF ", " - "]) + reference


def ogm(random: Random) -> str:
    number = digits(random, 10)
    number += ogm_vcs.calc_check_digits(number)
    return f"+++{number[:3]}/{number[3:7]}/{number[7:]}+++"


def social_security(random: Random) -> str:
    number = random.choice("12") + f"{random.randrange(100):02}{random.randint(1, 12):02}" + digits(random, 8)
    return grouped(number + nir.calc_check_digits(number), 1, 2, 2, 2, 3, 3, 2)


def czech_account(random: Random) -> str:
    """Return an account with a prefix of six digits; the prefix and the number have a check digit each."""
    number = next(account for account in made(random, "1#########/0800") if bankaccount.is_valid(account))
    return next(account for account in made(random, f"1#####-{number}") if bankaccount.is_valid(account))


def made(random: Random, form: str) -> Iterator[str]:
    while True:
        yield filled(random, form)


def ean_13(random: Random) -> str:
    number = digits(random, 12)
    return number + ean.calc_check_digit(number)


def coordinates(random: Random) -> str:
    latitude, longitude = random.uniform(-60, 60), random.uniform(-180, 180)
    return f"{latitude:.{random.randint(4, 8)}f},{longitude:.{random.randint(4, 8)}f}"


KINDS: dict[str, Callable[[Random], str]] = {
    **{f"IBAN {country}, plain": lambda random, country=country: iban(random, country) for country in BBANS},
    **{
        f"IBAN {country}, printed": lambda random, country=country: grouped(iban(random, country), 4)
        for country in BBANS
    },
    "IBAN CM, printed as its RIB": lambda random: grouped(iban(random, "CM"), 4, 5, 5, 11, 2),
    "SIRET": siret,
    "SIRET, printed": lambda random: grouped(siret(random), 3, 3, 3, 5),
    "OCR": lambda random: with_luhn(digits(random, random.randint(4, 24))),
    "OCR, in fours": lambda random: grouped(with_luhn(digits(random, random.randint(4, 24))), 4),
    "OCR, in fives": lambda random: grouped(with_luhn(digits(random, random.randint(4, 24))), 5),
    "KID": kid,
    "KID, in fours": lambda random: grouped(kid(random), 4),
    "QR reference": qr_reference,
    "QR reference, printed": lambda random: grouped(qr_reference(random), 2, 5),
    "RF reference": rf_reference,
    "RF reference, printed": lambda random: grouped(rf_reference(random), 4),
    "RIB, plain": lambda random: with_rib_key(digits(random, 21)),
    "RIB, printed (5-5-11-2)": lambda random: grouped(with_rib_key(digits(random, 21)), 5, 5, 11, 2),
    "RIB, printed with dashes": lambda random: grouped(with_rib_key(digits(random, 21)), 5, 5, 11, 2).replace(" ", "-"),
    "RIB, in fours": lambda random: grouped(with_rib_key(digits(random, 21)), 4),
    "RIB of UEMOA, printed (5-5-12-2)": lambda random: grouped(with_rib_key(digits(random, 22)), 5, 5, 12, 2),
    "RIB MA, printed (3-3-16-2)": lambda random: grouped(with_rib_key(digits(random, 22)), 3, 3, 16, 2),
    "RIB TN, printed (2-3-13-2)": lambda random: grouped(with_rib_key(digits(random, 18)), 2, 3, 13, 2),
    "phone pair": phone_pair,
    "date and reference": date_and_reference,
    "UUID": lambda random: str(uuid.UUID(int=random.getrandbits(128), version=4)),
    "OGM (Belgium)": ogm,
    "social security number (France)": social_security,
    "EAN-13": ean_13,
    "IMEI": lambda random: with_luhn("35" + digits(random, 12)),
    "account of Hungary (8-8-8)": lambda random: grouped(digits(random, 24), 8),
    "account of Spain (4-4-2-10)": lambda random: grouped(digits(random, 20), 4, 4, 2, 10),
    "account of Poland (2-4-4-4-4-4-4)": lambda random: grouped(digits(random, 26), 2, 4),
    "sort code and account (Britain)": lambda random: filled(random, "##-##-## ########"),
    "account of Czechia": czech_account,
    "token of a prepaid meter (4-4-4-4-4)": lambda random: grouped(digits(random, 20), 4),
    "boleto (Brazil)": lambda random: filled(random, "#####.##### #####.###### #####.###### # ##############"),
    "time of day in digits": lambda random: day(random).strftime("%Y%m%d") + digits(random, 9),
    "two dates": lambda random: f"{day(random):%d/%m/%Y} - {day(random):%d/%m/%Y}",
    "coordinates": coordinates,
}


def figures() -> list[tuple[str, int, int, int]]:
    """Return each kind, how many were made, how many of these could be a card, and how many others were refused."""
    rows = []
    for kind, make in KINDS.items():
        random = Random(kind)
        texts = [make(random) for _ in range(MADE)]
        others = [text for text in texts if not could_be_a_card(text)]
        rows.append((kind, len(texts), len(texts) - len(others), sum(map(holds_card_number, others))))
    return rows


def table(rows: list[tuple[str, int, int, int]]) -> str:
    head = f"{'kind':36}{'made':>6}{'could be a card':>17}{'others refused':>16}"
    return "\n".join([head, *(f"{kind:36}{made:6}{cards:17}{refused:16}" for kind, made, cards, refused in rows)])


if __name__ == "__main__":
    print(table(figures()))
