"""The world's countries by their ISO code, as people choose them."""

from django_countries import countries


def choices() -> list[tuple[str, str]]:
    """Every country of ISO 3166-1: code and name, by name in the reader's language."""
    return [(code, str(name)) for code, name in countries]


def is_country(code: str) -> bool:
    return code in dict(countries)


def name_of(code: str) -> str:
    """The name of a country; the code itself when ISO knows no such country."""
    return str(countries.name(code)) or code
