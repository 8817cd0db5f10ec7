"""The providers that are known, by their addresses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Final

from headrace.flowlang.providers.addresses import AUTOMATE, is_flow, replacement

Schema = Mapping[str, Any] | bool

_COMMON: Final = "common"
_FLOW: Final = "flow"


@dataclass(frozen=True)
class Provider:
    """What is known of an action provider.

    Attributes:
        name: the name of its file.
        title: what people call it.
        url: its address.
        parameters: JSON schema of its parameters; None where they are not known.
        details: JSON schema of the member ``details`` of its status document after success; for a
            state that gives its result bare, of that result.
        long: whether its actions can well take longer than the default WaitTime.
        renamed: names of parameters that other versions of it, or its neighbours, have, with what
            they are called here.
        results_per: the parameter, an array, that has an item for each of its results.
        aliases: further addresses of it.
        failures: JSON schemas of what failures of its own have besides ``exception``, ``cause``
            and ``state_name`` where a Catch writes them, by their names.
    """

    name: str
    title: str
    url: str
    parameters: Schema | None = None
    details: Schema = True
    long: bool = False
    renamed: Mapping[str, str] = field(default_factory=dict)
    results_per: str | None = None
    aliases: tuple[str, ...] = ()
    failures: Mapping[str, Schema] = field(default_factory=dict)


@cache
def providers() -> Mapping[str, Provider]:
    """Return all known providers by their addresses, aliases included."""
    found = (_read(name) for name in _names() if name not in {_COMMON, _FLOW})
    return {url: provider for provider in found for url in (provider.url, *provider.aliases)}


def provider_of(url: str) -> Provider | None:
    """Return what is known of the provider at an address, or None."""
    if is_flow(url):
        return _flow()
    address = url.rstrip("/")
    known = providers().get(address)
    newer = replacement(address)
    if known is not None or newer is None:
        return known
    successor = providers().get(newer[0])
    if successor is None or (address.startswith(f"{AUTOMATE}/") and not newer[1]):
        return successor
    # What those took and answered was not the same.
    return Provider(successor.name, successor.title, address, long=successor.long)


@cache
def _flow() -> Provider:
    return _read(_FLOW)


def _names() -> list[str]:
    folder = files(__package__).joinpath("schemas")
    return sorted(
        entry.name.removesuffix(".json")
        for entry in folder.iterdir()
        if entry.name.endswith(".json")
    )


def _document(name: str) -> dict[str, Any]:
    text = files(__package__).joinpath("schemas", f"{name}.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


@cache
def _definitions() -> dict[str, Any]:
    definitions: dict[str, Any] = _document(_COMMON)["definitions"]
    return definitions


def _read(name: str) -> Provider:
    document = _inlined(_document(name))
    return Provider(**{**document, "name": name, "aliases": tuple(document.get("aliases", ()))})


def _inlined(value: Any) -> Any:
    """Return a value with what it refers to in ``common.json`` put in its place."""
    if isinstance(value, dict):
        reference = value.get("$ref")
        if isinstance(reference, str):
            return _inlined(_definitions()[reference.rpartition("/")[2]])
        return {key: _inlined(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_inlined(item) for item in value]
    return value
