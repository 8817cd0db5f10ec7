"""Action providers of other packages, found by their entry points."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from headrace._internal.entry_points import EntryPoint, entry_points
from headrace._internal.terminal_text import terminal_text
from headrace.action_providers.base import ActionProvider
from headrace.flowlang.providers import Provider, provider_of

ENTRY_POINT_GROUP: Final = "headrace.action_providers"

# Names become names of directories.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_ADDRESS: Final = re.compile(r"https?://[^\s/?#]+(/[^\s/?#]+)*")


@dataclass(frozen=True)
class InstalledProvider:
    """Action provider of another package.

    Attributes:
        name: the name of its entry point.
        origin: the class, and the package that brings it, for messages.
        implementation: its class.
        description: its address and schemas, as the checker reads them.
    """

    name: str
    origin: str
    implementation: type[ActionProvider]
    description: Provider


@dataclass(frozen=True)
class InstalledProviders:
    """Action providers of other packages.

    Attributes:
        usable: those that can be used, by name.
        problems: why others cannot be used, in a line each, by name.
    """

    usable: Mapping[str, InstalledProvider]
    problems: Mapping[str, str]

    @property
    def descriptions(self) -> list[Provider]:
        """The addresses and schemas of those that can be used."""
        return [provider.description for provider in self.usable.values()]

    def find(self, url: str) -> InstalledProvider | None:
        """Return the provider of an address, or None."""
        address = url.rstrip("/")
        return next((p for p in self.usable.values() if p.description.url == address), None)


class _UnusableError(Exception):
    """Reason why a provider cannot be used."""


def installed_providers() -> InstalledProviders:
    """Load the classes of the entry-point group ``headrace.action_providers``.

    Each is checked by itself: one that cannot be used is among the problems.
    """
    usable: dict[str, InstalledProvider] = {}
    problems: dict[str, str] = {}
    for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=_order):
        package = f" of the package {point.dist.name}" if point.dist is not None else ""
        origin = f"{point.value}{package}"
        try:
            if point.name in usable or point.name in problems:
                raise _UnusableError("another package brings an action provider of this name")
            usable[point.name] = _load(point, origin, usable.values())
        except _UnusableError as error:
            reason = " ".join(terminal_text(str(error)).split())
            key = point.name if point.name not in usable else f"{point.name} ({origin})"
            problems[key] = f"{origin} cannot be used: {reason}"
    return InstalledProviders(usable, problems)


def _order(point: EntryPoint) -> tuple[str, str]:
    return point.name, point.value


def _load(point: EntryPoint, origin: str, others: Iterable[InstalledProvider]) -> InstalledProvider:
    if not _NAME.fullmatch(point.name):
        raise _UnusableError("name the entry point with letters, digits and . _ - only")
    try:
        found = point.load()
    except BaseException as error:  # whatever the import of another package raises
        if isinstance(error, KeyboardInterrupt):
            raise
        raise _UnusableError(f"{type(error).__name__}: {error}") from error
    if not (isinstance(found, type) and issubclass(found, ActionProvider)):
        raise _UnusableError("it is no subclass of headrace.action_providers.ActionProvider")
    missing = sorted(found.__abstractmethods__)
    if missing:
        raise _UnusableError(f"it has no {' and no '.join(missing)}")
    description = _describe(found)
    taken = {other.description.url: other for other in others}
    if provider_of(description.url) is not None:
        raise _UnusableError(f"{description.url} is the address of another provider")
    if description.url in taken:
        other = taken[description.url]
        raise _UnusableError(f"{description.url} is the address of {other.name} ({other.origin})")
    return InstalledProvider(point.name, origin, found, description)


def _describe(implementation: type[ActionProvider]) -> Provider:
    """Return the address and the schemas that a class declares, checked."""
    values = {name: getattr(implementation, name, None) for name in ("url", "title")}
    for name, value in values.items():
        if not isinstance(value, str) or not value:
            raise _UnusableError(f"its {name} must be a text, not {value!r:.100}")
    url = str(values["url"])
    if not _ADDRESS.fullmatch(url):
        raise _UnusableError(f"its url {url!r:.100} must be as https://actions.example.org/name")
    body = getattr(implementation, "input_schema", None)
    if not isinstance(body, dict):
        raise _UnusableError(f"its input_schema must be a JSON schema, not {body!r:.100}")
    _check_schema("input_schema", body)
    _check_schema("result_schema", implementation.result_schema)
    if _has_reference(body):
        raise _UnusableError("its input_schema has a $ref: write what it refers to in its place")
    seconds = implementation.poll_seconds
    if not isinstance(seconds, int | float) or not 0.0 < seconds <= 60.0:
        raise _UnusableError(f"its poll_seconds must be between 0 and 60, not {seconds!r:.100}")
    return Provider(
        name=url,
        title=str(values["title"]),
        url=url,
        parameters=body,
        details=implementation.result_schema,
        long=bool(implementation.takes_long),
    )


def _check_schema(name: str, schema: Any) -> None:
    from headrace._internal.json_check import InvalidValue, check_json
    from headrace._internal.json_schema import schema_problems

    try:
        check_json(schema, name)
    except InvalidValue as error:
        raise _UnusableError(f"its {name} is no JSON: {error.problem}") from error
    for problem in schema_problems(schema):
        raise _UnusableError(f"its {name} is wrong at {problem.json_path}: {problem.message}")


def _has_reference(value: Any) -> bool:
    if isinstance(value, dict):
        return "$ref" in value or any(map(_has_reference, value.values()))
    return isinstance(value, list) and any(map(_has_reference, value))
