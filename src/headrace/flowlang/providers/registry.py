"""The providers that are known, by their addresses."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from headrace.flowlang.providers.addresses import AUTOMATE, is_flow, replacement

if TYPE_CHECKING:
    from jsonschema import Draft7Validator

Schema = Mapping[str, Any] | bool

_COMMON: Final = "common"
_FLOW: Final = "flow"
_SCHEMAS: Final = Path(__file__).with_name("schemas")


@dataclass(frozen=True, eq=False)
class Provider:
    """Description of an action provider.

    Attributes:
        name: the name of its file; of one that another package brings, its address.
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

    @cached_property
    def validator(self) -> Draft7Validator:
        """Validator of bodies."""
        from jsonschema import Draft7Validator

        return Draft7Validator(True if self.parameters is None else self.parameters)


class ProviderCatalogue:
    """Action providers whose schemas are known: those of this package, and others.

    Args:
        added: the others, which a caller knows.
    """

    def __init__(self, added: Iterable[Provider] = ()) -> None:
        self._added = {provider.url: provider for provider in added}

    def find(self, url: str) -> Provider | None:
        """Return the provider at an address, or None."""
        return self._added.get(url.rstrip("/")) or provider_of(url)

    @cached_property
    def addresses(self) -> Collection[str]:
        """All addresses that are known."""
        return {*providers(), *self._added}


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
    if known is not None or replacement(address) is None:
        return known
    return _replaced(address)


@lru_cache(maxsize=256)
def _replaced(address: str) -> Provider | None:
    newer = replacement(address)
    if newer is None:
        return None
    successor = providers().get(newer[0])
    if successor is None or (address.startswith(f"{AUTOMATE}/") and not newer[1]):
        return successor
    # What those took and answered was not the same.
    return Provider(successor.name, successor.title, address, long=successor.long)


@cache
def _flow() -> Provider:
    return _read(_FLOW)


def _names() -> list[str]:
    return sorted(
        entry.name.removesuffix(".json")
        for entry in _SCHEMAS.iterdir()
        if entry.name.endswith(".json")
    )


def _document(name: str) -> dict[str, Any]:
    text = (_SCHEMAS / f"{name}.json").read_text(encoding="utf-8")
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
