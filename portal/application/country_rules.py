"""Countries that a reviewer must look at, as data with their source. No decision follows by itself. Pure."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Advice(StrEnum):
    REFUSE = "refuse"
    LOOK_CLOSELY = "look closely"


@dataclass(frozen=True, slots=True)
class CountryRule:
    """What a reviewer is advised about businesses registered in a country, and who says so."""

    advice: Advice
    why: str
    source: str
    #: When compliance last compared the rule with its source (lists change about three times a year), or
    #: None while nobody has: the card says so.
    confirmed_on: date | None = None


_CALL = "FATF, High-Risk Jurisdictions subject to a Call for Action"
_MONITORED = "FATF, Jurisdictions under Increased Monitoring"
_OFAC = "US Treasury (OFAC), country programs"


def _refuse(why: str, source: str) -> CountryRule:
    return CountryRule(Advice.REFUSE, why, source)


def _look(why: str, source: str) -> CountryRule:
    return CountryRule(Advice.LOOK_CLOSELY, why, source)


#: By ISO 3166 code. A country that is not here has no rule.
RULES: dict[str, CountryRule] = {
    "KP": _refuse("countermeasures are called for", _CALL),
    "IR": _refuse("countermeasures are called for", _CALL),
    "MM": _look("enhanced due diligence is called for", _CALL),
    "CU": _refuse("under comprehensive sanctions", _OFAC),
    "SY": _look("sanctions lifted in 2025, named persons remain", _OFAC),
    "RU": _look("under wide sanctions of sectors and persons", _OFAC),
    "BY": _look("under wide sanctions of sectors and persons", _OFAC),
    "UA": _look("Crimea, Donetsk and Luhansk are under comprehensive sanctions: see the address", _OFAC),
    "VE": _look("the government is under sanctions", _OFAC),
    "AF": _look("those who govern are under sanctions", _OFAC),
    "YE": _look("under increased monitoring", _MONITORED),
    "SS": _look("under increased monitoring", _MONITORED),
    "CD": _look("under increased monitoring", _MONITORED),
    "HT": _look("under increased monitoring", _MONITORED),
    "LB": _look("under increased monitoring", _MONITORED),
}


def rule_for(country: str) -> CountryRule | None:
    """The rule of a country by its ISO 3166 code of two letters, or None."""
    return RULES.get(country.upper())
