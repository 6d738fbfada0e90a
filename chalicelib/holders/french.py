"""French: "de" before a name, with the elision or the article that the name takes. Pure rules.

`of_name` is for names of firms, of any origin; `of_territory` is for countries and other territories of CLDR.
"""

import re
import unicodedata

# Without an accent, and in lower case. Œ and Æ are no letters with an accent.
_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", "’": "'"})
# A vowel that begins with the sound of y or w in French, or a word before which nothing is elided.
_NO_ELISION = re.compile(r"(onz|oui|ouistiti|uhlan|ulul|united|unity|one\b|y[aeiou]|yy)")
# Those that are read with a vowel all the same.
_Y_AS_VOWEL = re.compile(r"y(onne|eu\b|ork)")
# French words whose h is mute. Before any other h, of an acronym like HSBC or of a foreign name, "de" stays whole.
_MUTE_H = re.compile(
    r"h(abit|armoni|ebdo|ecto|elen|elio|emi|enri|erbe|erit|ermes|etero|eure|exa|ibisc|ippo|ispan|istoi|iver|omme|omo"
    r"|onnet|onneur|onor|opit|orizon|orlog|ortens|ortic|ospi|ote|uil|uitr|umain|uman|umid|umour|ydr|ygi|ymn|yper|ypo"
    r"|ait[iy])"
)

# What stands before the names of territories, by their codes in CLDR. Before all others it is "de", without an article:
# they are feminine, like la France, or have no article at all, like Cuba.
_CODES_BY_ARTICLE = {
    "du ": (
        "BD BF BI BJ BR BT BW BZ CA CD CG CL CM CR CV DK EH GA GB GH GL GT GY HN IO JP KE KG KH KW KZ LA LB LI LR LS "
        "LU MA ME ML MM MW MX MZ NE NG NI NP PA PE PK PT PY QA RW SD SJ SN SR SS SV TD TG TJ TL TM VA VE VN VU XK YE ZW"
    ),
    "des ": "AE AS AX BM BQ BS CC CK FJ FK FO HM IC KM KY MH MP MV NL PH PN PS PW SB SC TC TF UM US VG VI",
    "de la ": "BB CF DM DO GD GP JM MQ",
    "de l’": "AC BV CP CX IM NF",
}
_ARTICLES = {code: article for article, codes in _CODES_BY_ARTICLE.items() for code in codes.split()}
# What is written small within a sentence.
_GENERIC = re.compile(r"^(Îles?|Territoires?|Terres)\b")


def of_name(name: str) -> str:
    """Return "de" and a firm's name: d’EAZYCard, de BICEC, d’UBA, du Crédit Lyonnais (for "Le Crédit Lyonnais").

    Digits and letters that are spelled elide nothing: de 1ère Banque, de LCL.
    """
    article, _, rest = name.partition(" ")
    if rest and article.lower() in ("le", "les"):
        return f"{'du' if article.lower() == 'le' else 'des'} {rest}"
    return f"d’{name}" if is_elided_before(name) else f"de {name}"


def is_elided_before(name: str) -> bool:
    """Return whether "de" becomes "d’" before the name."""
    lower = unicodedata.normalize("NFD", name.lower().translate(_LIGATURES))
    read = "".join(c for c in lower if not unicodedata.combining(c)).lstrip(" '\"«»“”‘()[]-–—·.&*#\u00a0\u202f")
    if _NO_ELISION.match(read):
        return bool(_Y_AS_VOWEL.match(read))
    if read.startswith("h"):
        return bool(_MUTE_H.match(read))
    if read.startswith("y"):
        return len(read) > 1 and read[1].isalpha()
    return read[:1] in tuple("aeiou")


def of_territory(code: str, name: str) -> str:
    """Return "de" and the French name of a territory, with its article: du Cameroun, d’Allemagne, des États-Unis.

    `code` is the territory's code in CLDR, `name` its French name there.
    """
    if name.startswith("La "):
        return f"de la {name.removeprefix('La ')}"
    article = _ARTICLES.get(code) or ("d’" if is_elided_before(name) else "de ")
    return article + _GENERIC.sub(lambda found: found[0].lower(), name)
