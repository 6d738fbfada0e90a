"""Money: ISO 4217 currencies with their decimals, amounts as exact texts, and ISO 3166 countries.

The tables are plain data, so that a cold start imports no library for them. Tests hold them to the published lists.
"""

from decimal import Context, Decimal

MAX_INTEGER_DIGITS = 15

# ISO 4217 active codes (list one, 2026-01-01) that money can be in, by the number of their decimals. Precious
# metals, bond units, the SDR and test codes have no minor unit and are left out.
_CODES_BY_DECIMALS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: (
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF "
        "CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL "
        "HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU "
        "MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR "
        "SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED "
        "VES WST XAD XCD XCG YER ZAR ZMW ZWG"
    ),
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
CURRENCY_DECIMALS = {code: decimals for decimals, codes in _CODES_BY_DECIMALS.items() for code in codes.split()}

# Those of them that no holder pays in: ISO 4217's funds and units of account, like Chile's unit that follows inflation.
# A bank may post in them.
FUND_CODES = frozenset({"BOV", "CHE", "CHW", "CLF", "COU", "MXV", "USN", "UYI", "UYW", "XAD"})

CURRENCY_RULE = "Must be an active ISO 4217 code, like XAF or EUR."

# ISO 3166-1, officially assigned: alpha-2 and alpha-3.
_COUNTRIES = (
    "AD:AND AE:ARE AF:AFG AG:ATG AI:AIA AL:ALB AM:ARM AO:AGO AQ:ATA AR:ARG AS:ASM AT:AUT AU:AUS AW:ABW AX:ALA "
    "AZ:AZE BA:BIH BB:BRB BD:BGD BE:BEL BF:BFA BG:BGR BH:BHR BI:BDI BJ:BEN BL:BLM BM:BMU BN:BRN BO:BOL BQ:BES "
    "BR:BRA BS:BHS BT:BTN BV:BVT BW:BWA BY:BLR BZ:BLZ CA:CAN CC:CCK CD:COD CF:CAF CG:COG CH:CHE CI:CIV CK:COK "
    "CL:CHL CM:CMR CN:CHN CO:COL CR:CRI CU:CUB CV:CPV CW:CUW CX:CXR CY:CYP CZ:CZE DE:DEU DJ:DJI DK:DNK DM:DMA "
    "DO:DOM DZ:DZA EC:ECU EE:EST EG:EGY EH:ESH ER:ERI ES:ESP ET:ETH FI:FIN FJ:FJI FK:FLK FM:FSM FO:FRO FR:FRA "
    "GA:GAB GB:GBR GD:GRD GE:GEO GF:GUF GG:GGY GH:GHA GI:GIB GL:GRL GM:GMB GN:GIN GP:GLP GQ:GNQ GR:GRC GS:SGS "
    "GT:GTM GU:GUM GW:GNB GY:GUY HK:HKG HM:HMD HN:HND HR:HRV HT:HTI HU:HUN ID:IDN IE:IRL IL:ISR IM:IMN IN:IND "
    "IO:IOT IQ:IRQ IR:IRN IS:ISL IT:ITA JE:JEY JM:JAM JO:JOR JP:JPN KE:KEN KG:KGZ KH:KHM KI:KIR KM:COM KN:KNA "
    "KP:PRK KR:KOR KW:KWT KY:CYM KZ:KAZ LA:LAO LB:LBN LC:LCA LI:LIE LK:LKA LR:LBR LS:LSO LT:LTU LU:LUX LV:LVA "
    "LY:LBY MA:MAR MC:MCO MD:MDA ME:MNE MF:MAF MG:MDG MH:MHL MK:MKD ML:MLI MM:MMR MN:MNG MO:MAC MP:MNP MQ:MTQ "
    "MR:MRT MS:MSR MT:MLT MU:MUS MV:MDV MW:MWI MX:MEX MY:MYS MZ:MOZ NA:NAM NC:NCL NE:NER NF:NFK NG:NGA NI:NIC "
    "NL:NLD NO:NOR NP:NPL NR:NRU NU:NIU NZ:NZL OM:OMN PA:PAN PE:PER PF:PYF PG:PNG PH:PHL PK:PAK PL:POL PM:SPM "
    "PN:PCN PR:PRI PS:PSE PT:PRT PW:PLW PY:PRY QA:QAT RE:REU RO:ROU RS:SRB RU:RUS RW:RWA SA:SAU SB:SLB SC:SYC "
    "SD:SDN SE:SWE SG:SGP SH:SHN SI:SVN SJ:SJM SK:SVK SL:SLE SM:SMR SN:SEN SO:SOM SR:SUR SS:SSD ST:STP SV:SLV "
    "SX:SXM SY:SYR SZ:SWZ TC:TCA TD:TCD TF:ATF TG:TGO TH:THA TJ:TJK TK:TKL TL:TLS TM:TKM TN:TUN TO:TON TR:TUR "
    "TT:TTO TV:TUV TW:TWN TZ:TZA UA:UKR UG:UGA UM:UMI US:USA UY:URY UZ:UZB VA:VAT VC:VCT VE:VEN VG:VGB VI:VIR "
    "VN:VNM VU:VUT WF:WLF WS:WSM YE:YEM YT:MYT ZA:ZAF ZM:ZMB ZW:ZWE"
)
_ALPHA_3 = dict(pair.split(":") for pair in _COUNTRIES.split())
KOSOVO = "XK"  # assigned by its users: banks and card schemes write it, and ISO has no code of its own
COUNTRIES = frozenset({*_ALPHA_3, KOSOVO})
# The alpha-2 code by each code that a bank may write.
ALPHA_2 = {code: code for code in COUNTRIES} | {alpha_3: alpha_2 for alpha_2, alpha_3 in _ALPHA_3.items()}


def currency_error(code: object) -> str:
    """Return what to say of a currency that isn't one of `CURRENCY_DECIMALS`."""
    right = code.strip().upper() if isinstance(code, str) else ""
    return f"Must be in capital letters: {right}." if right in CURRENCY_DECIMALS else CURRENCY_RULE


def excess_decimals(amount: Decimal, currency: str) -> str | None:
    """Return what to say of an amount that has more decimals than its currency, else None.

    Zeros at the end don't count: 250.00 has none.
    """
    decimals = CURRENCY_DECIMALS[currency]
    if has_at_most(decimals, amount):
        return None
    return f"{currency} has {decimals} decimals: must have no more."


def has_at_most(decimals: int, number: Decimal) -> bool:
    """Whether a number has at most so many decimals. Zeros at the end don't count; infinity and NaN have none."""
    _, digits, exponent = number.as_tuple()
    return not isinstance(exponent, int) or -exponent <= decimals or not any(digits[exponent + decimals :])


def without_end_zeros(number: Decimal, decimals: int) -> Decimal:
    """Return a number with at most 15 digits before its point, and so many decimals, without the zeros beyond them."""
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or -exponent <= decimals:
        return number
    # Python's own context has 28 digits, and a rate may have 37.
    return number.quantize(Decimal(f"1e-{decimals}"), context=Context(prec=MAX_INTEGER_DIGITS + decimals))


def format_amount(amount: Decimal, currency: str) -> str:
    """Return the amount as an exact decimal string with all of the currency's decimals, like 250.50."""
    return f"{amount:.{CURRENCY_DECIMALS[currency]}f}"


def plain(number: Decimal) -> str:
    """Return a number without an exponent, and without zeros at the end of its decimals, like 655.957."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
