"""Walltimes of the jobs of a flow, as far as the project's files say them."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from headrace.config.project_config import EndpointConfig
    from headrace.project.project import Project

_TEMPLATE: Final = "user_config_template.yaml.j2"
_OPTION: Final = re.compile(r"\{\{[^}]*\bwalltime\b[^}]*\}\}")
_DEFAULT: Final = re.compile(r"\bwalltime\s*\|\s*default\(\s*['\"]+([\d:-]+)['\"]+")
_LITERAL: Final = re.compile(r"^\s*walltime:\s*['\"]?([\d:-]+)['\"]?\s*$", re.MULTILINE)
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def flow_walltimes(project: Project, flow: str) -> dict[str, float]:
    """Return how long the jobs that a flow starts may take.

    A flow's Compute states read the endpoint's id from the input, and the project's triggers say
    which endpoint that is; or the id stands in the definition.

    Args:
        project: the project.
        flow: the flow's name.

    Returns:
        Seconds, by the endpoint's id and by the paths of the input that it is read from; empty
        for endpoints without a batch system.
    """
    known: dict[str, float] = {}
    for name, endpoint in project.endpoints.items():
        seconds = endpoint_walltime(project, endpoint)
        if seconds is not None:
            known[name] = seconds
    if not known:
        return {}
    found = {project.endpoint_id(name, "local"): seconds for name, seconds in known.items()}
    for template in _inputs(project, flow):
        for path, name in _endpoints(template, "$"):
            if name in known:
                found[path] = max(found.get(path, 0.0), known[name])
    return found


def endpoint_walltime(project: Project, endpoint: EndpointConfig) -> float | None:
    """Return the walltime of an endpoint's batch jobs, seconds; None where it has none."""
    if endpoint.template is None:
        return _seconds(endpoint.options.get("walltime"))
    file = project.templates_dir / endpoint.template / _TEMPLATE
    if not file.is_file():
        return None
    text = file.read_text(encoding="utf-8", errors="replace")
    if _OPTION.search(text) is not None:
        default = _DEFAULT.search(text)
        return _seconds(endpoint.options.get("walltime", default and default[1]))
    literal = _LITERAL.search(text)
    return _seconds(literal[1]) if literal is not None else None


def _seconds(value: Any) -> float | None:
    from headrace.compute.scheduler import walltime_seconds

    seconds = walltime_seconds(str(value))
    # A job without a limit says nothing about how long it takes.
    return seconds if seconds is not None and math.isfinite(seconds) else None


def _inputs(project: Project, flow: str) -> Iterator[Mapping[str, Any]]:
    for file in sorted(project.triggers_dir.glob("*.toml")):
        try:
            start = tomllib.loads(file.read_text(encoding="utf-8")).get("start")
        except (OSError, ValueError):
            continue  # `headrace trigger list` says what is wrong with it
        if isinstance(start, dict) and start.get("flow") == flow:
            body = start.get("input")
            if isinstance(body, dict):
                yield body


def _endpoints(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        if set(value) == {"endpoint"} and isinstance(value["endpoint"], str):
            yield path, value["endpoint"]
            return
        for key, item in value.items():
            step = f".{key}" if _PLAIN.fullmatch(key) else f"[{key!r}]"
            yield from _endpoints(item, path + step)
