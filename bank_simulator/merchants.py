"""The merchants and incomes of the simulated account holders: made-up names, real codes and price levels."""

from dataclasses import dataclass
from decimal import Decimal

from chalicelib.ledger.money import CURRENCY_DECIMALS


@dataclass(frozen=True, slots=True)
class Country:
    """A country (ISO 3166-1 alpha-2) with its currency and its standard offset from UTC."""

    code: str
    currency: str
    utc_offset_hours: int


@dataclass(frozen=True, slots=True)
class Merchant:
    """A shop, its category (ISO 18245) and its prices: `low` to `high` in steps of `step`, in minor units."""

    name: str
    mcc: str
    city: str
    country: Country
    low: int
    high: int
    step: int = 1

    @property
    def currency(self) -> str:
        return self.country.currency


@dataclass(frozen=True, slots=True)
class Income:
    """A kind of credit, and its lowest and highest usual amount in euros."""

    description: str
    low_euros: int
    high_euros: int


_CM, _GA = Country("CM", "XAF", 1), Country("GA", "XAF", 1)
_SN, _CI, _BJ = Country("SN", "XOF", 0), Country("CI", "XOF", 0), Country("BJ", "XOF", 1)
_FR, _US, _TN = Country("FR", "EUR", 1), Country("US", "USD", -5), Country("TN", "TND", 1)

MERCHANTS = (
    Merchant("Supermarché Wouri", "5411", "Douala", _CM, 1_500, 85_000, 25),
    Merchant("Station Akwa Carburants", "5541", "Douala", _CM, 5_000, 45_000, 500),
    Merchant("Pharmacie du Plateau", "5912", "Yaoundé", _CM, 800, 32_000, 25),
    Merchant("Le Ndolé Gourmand", "5812", "Yaoundé", _CM, 2_500, 28_000, 100),
    Merchant("Quincaillerie Bafoussam", "5251", "Bafoussam", _CM, 1_200, 160_000, 50),
    Merchant("Kamer Télécom", "4814", "Douala", _CM, 500, 20_000, 100),
    Merchant("Guichet automatique Bonanjo", "6011", "Douala", _CM, 10_000, 300_000, 10_000),
    Merchant("Marché Mont-Bouët", "5499", "Libreville", _GA, 1_000, 40_000, 50),
    Merchant("Hôtel de l'Estuaire", "7011", "Libreville", _GA, 35_000, 240_000, 500),
    Merchant("Sandaga Textiles", "5651", "Dakar", _SN, 3_000, 75_000, 100),
    Merchant("Supérette Almadies", "5411", "Dakar", _SN, 1_000, 60_000, 25),
    Merchant("Taxi Téranga", "4121", "Dakar", _SN, 1_000, 9_000, 50),
    Merchant("Guichet automatique Plateau", "6011", "Dakar", _SN, 5_000, 200_000, 5_000),
    Merchant("Maquis Chez Tantie", "5812", "Abidjan", _CI, 1_500, 22_000, 50),
    Merchant("Cocody Électronique", "5732", "Abidjan", _CI, 8_000, 450_000, 500),
    Merchant("Boulangerie Ganhi", "5462", "Cotonou", _BJ, 300, 6_500, 25),
    Merchant("Carrefour des Halles", "5411", "Paris", _FR, 350, 14_500),
    Merchant("Boulangerie Saint-Paul", "5462", "Paris", _FR, 110, 2_400, 5),
    Merchant("Librairie Bellecour", "5942", "Lyon", _FR, 490, 8_900, 5),
    Merchant("Trains du Midi", "4112", "Marseille", _FR, 1_200, 18_900, 10),
    Merchant("Distributeur République", "6011", "Paris", _FR, 2_000, 30_000, 1_000),
    Merchant("Harbor Street Grocery", "5411", "New York", _US, 420, 16_800),
    Merchant("Northlight Cloud Hosting", "7372", "Seattle", _US, 499, 24_900),
    Merchant("Médina Artisanat", "5947", "Tunis", _TN, 4_500, 180_000, 100),
)
AT_HOME = {
    currency: tuple(merchant for merchant in MERCHANTS if merchant.currency == currency)
    for currency in ("XAF", "XOF", "EUR", "USD")
}
HOME_WEIGHTS = {"XAF": 45, "XOF": 25, "EUR": 20, "USD": 10}
UTC_OFFSET_HOURS = {country.currency: country.utc_offset_hours for country in (_CM, _SN, _FR, _US)}

INCOMES = (
    Income("Salaire", 180, 2_600),
    Income("Virement reçu", 15, 900),
    Income("Recharge mobile money", 5, 120),
    Income("Invoice payment", 80, 3_500),
    Income("Remboursement", 5, 150),
)


@dataclass(frozen=True, slots=True)
class Payer:
    """Somebody who sends money: the name, the IBAN, and how their payment references begin."""

    name: str
    iban: str
    reference: str


PAYERS = (
    Payer("Société d'Élevage du Wouri", "CM4010003001000500000123456", "FACT"),
    Payer("Awa Ndiaye", "SN08SN0100152000048500003035", "TRANSFERT"),
    Payer("Assurances du Littoral", "FR7630006000011234567890189", "REMB"),
    Payer("Northlight Consulting GmbH", "DE89370400440532013000", "INV"),
)
DECLINE_REASONS = ("insufficient funds", "card expired", "limit exceeded")
# About one euro in each currency; the two francs are tied to it.
_IN_EUROS = {
    "EUR": Decimal(1),
    "XAF": Decimal("655.957"),
    "XOF": Decimal("655.957"),
    "USD": Decimal("1.10"),
    "TND": Decimal("3.40"),
}
_RATE_STEP = Decimal("0.000001")
# About one euro in minor units, and the smallest step of an income, in minor units.
_EURO = {"XAF": (650, 50), "XOF": (650, 50), "EUR": (100, 1), "USD": (110, 1)}


def steps_of(income: Income, currency: str) -> tuple[int, int, int]:
    """Return the income's lowest and highest amount and its step in this currency, in minor units."""
    euro, step = _EURO[currency]
    return income.low_euros * euro, income.high_euros * euro, step


def from_minor_units(amount_minor: int, currency: str) -> Decimal:
    """Return the exact amount with the currency's own decimals: 25050 in EUR is 250.50."""
    return Decimal(amount_minor).scaleb(-CURRENCY_DECIMALS[currency])


def rate(currency: str, into: str) -> Decimal:
    """Return about how much one unit of a merchant's currency is in another one, with six decimals."""
    return (_IN_EUROS[into] / _IN_EUROS[currency]).quantize(_RATE_STEP)
