"""Properties of runs by which failures are compared: flow, endpoint, host, input."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from headrace.runs.run_endpoints import endpoints_of

Property = tuple[str, str]

_HOST_MEMBERS: Final = frozenset({"host", "hostname", "node", "nodes"})
_HOST_IN_TEXT: Final = re.compile(
    r"\b(?:node|host)s?[ :=]+['\"]?([A-Za-z][\w.-]*[0-9][\w.-]*)", re.IGNORECASE
)
_LONGEST_VALUE: Final = 200
_MOST_MEMBERS: Final = 200


def properties_of(
    document: Mapping[str, Any],
    entries: Sequence[Mapping[str, Any]],
    endpoint_names: Mapping[str, str],
) -> set[Property]:
    """Return the properties of a run, each with its kind.

    Args:
        document: its document.
        entries: its log.
        endpoint_names: names of endpoints by their ids.
    """
    found = {("flow", str(document.get("flow_title")))}
    found |= {("endpoint", endpoint_names.get(each, each)) for each in endpoints_of(entries)}
    found |= {("host", host) for host in hosts_of(entries)}
    found |= {*_inputs(entries)}
    return found


def hosts_of(entries: Sequence[Mapping[str, Any]]) -> set[str]:
    """Return the hosts and nodes that a log names: members of results, and words of causes."""
    return {host for entry in entries for host in _hosts(_without_input(entry))}


def _without_input(entry: Mapping[str, Any]) -> Any:
    details = entry.get("details") or {}
    if entry.get("code") == "FlowStarted" or not isinstance(details, Mapping):
        return {}
    return {key: value for key, value in details.items() if key != "input"}


def _hosts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if str(key).lower() in _HOST_MEMBERS and isinstance(item, str) and item.strip():
                yield item.strip()
            else:
                yield from _hosts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _hosts(item)
    elif isinstance(value, str):
        yield from _HOST_IN_TEXT.findall(value)


def _inputs(entries: Sequence[Mapping[str, Any]]) -> Iterator[Property]:
    for entry in entries[:1]:
        given = (entry.get("details") or {}).get("input")
        members = [*_members("", given)][:_MOST_MEMBERS]
        yield from ((f"input {path}", text) for path, text in members)


def _members(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _members(f"{path}.{key}" if path else str(key), item)
    elif isinstance(value, str | int | float | bool) and len(str(value)) <= _LONGEST_VALUE:
        yield path, str(value)
