"""Every address of the portal, read from the URL patterns themselves, so that none can be forgotten."""

import importlib.util
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from django.test import override_settings
from django.urls import URLResolver, get_resolver

from portal import urls


@dataclass(frozen=True)
class Address:
    #: As the patterns write it, without the marks of regular expressions.
    route: str
    #: What `reverse` calls it, "" when it has no name.
    name: str
    parameters: tuple[str, ...]


def addresses(urlconf: Any = None) -> list[Address]:
    return sorted(_walk(get_resolver(urlconf).url_patterns, "", "", ()), key=lambda each: each.route)


def demo_urls() -> ModuleType:
    """`portal/urls.py` as it is where PORTAL_DEMO is set."""
    spec = importlib.util.spec_from_file_location("portal_urls_of_the_demo", urls.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with override_settings(DEMO=True), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the months' converter is registered for the second time
        spec.loader.exec_module(module)
    return module


def _walk(patterns: Any, before: str, namespace: str, outer: tuple[str, ...]) -> Iterator[Address]:
    for each in patterns:
        route = before + str(each.pattern).removeprefix("^").removesuffix(r"\Z").removesuffix("$")
        parameters = (*outer, *each.pattern.regex.groupindex)
        if isinstance(each, URLResolver):
            inner = f"{namespace}{each.namespace}:" if each.namespace else namespace
            yield from _walk(each.url_patterns, route, inner, parameters)
        else:
            yield Address(route, f"{namespace}{each.name}" if each.name else "", parameters)
