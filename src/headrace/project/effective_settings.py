"""Every setting of a project with the source of its value."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from headrace._internal.settings import TomlDocument
from headrace.config.errors import ProjectError
from headrace.config.project_config import PROFILE, resolve_target
from headrace.config.project_file import CONFIG_FILE
from headrace.config.toml_file import read_toml, with_profile
from headrace.notifications import notification_channels
from headrace.project.project import Project


def settings(project: Project, at: str | None = None) -> list[dict[str, Any]]:
    """Return every setting with ``key``, ``value`` and ``source``.

    Args:
        project: the project.
        at: the target as given on the command line.

    Raises:
        ProjectError: a file cannot be read.
    """
    target = resolve_target(at)
    where = "--at" if at else "HEADRACE_AT" if os.environ.get("HEADRACE_AT") else "default"
    found = [
        _setting("target", target, where),
        _setting("root", str(project.root), "its directory"),
    ]
    file = read_toml(project.config_file)
    if project.config.profile:
        file = with_profile(file, project.config.profile)
        source = _profile_source(project.config.profile, target)
        found.append(_setting("profile", project.config.profile, source))
    named = "name" in file.values
    found.append(_setting("name", project.name, _line(file, "name") if named else "its directory"))
    for key, value in _leaves(file.values):
        if key[0] in ("name", "profiles"):
            continue
        dotted = ".".join(key)
        variable = project.config.overrides.get(dotted)
        shown = os.environ[variable] if variable else _safe(key, value)
        found.append(_setting(dotted, shown, variable or _line(file, *key)))
    known = {row["key"] for row in found}
    for dotted, variable in project.config.overrides.items():
        if dotted not in known:
            found.append(_setting(dotted, os.environ[variable], variable))
    return found + list(_ids(project, target, {row["key"] for row in found}))


def _profile_source(profile: str, target: str) -> str:
    if profile == os.environ.get(PROFILE):
        return PROFILE
    return "the target" if profile == target else "--profile"


def _ids(project: Project, target: str, known: set[str]) -> Iterator[dict[str, Any]]:
    deployed = project.lock().at(target)
    for name in project.collections:
        if f"collections.{name}.id" not in known and target == "local":
            value = project.collection_id(name, target)
            yield _setting(f"collections.{name}.id", value, "made from its name")
    for name in project.endpoints:
        if f"endpoints.{name}.id" in known:
            continue
        try:
            value = project.endpoint_id(name, target)
        except ProjectError:
            continue
        source = "headrace.lock" if name in deployed.endpoints else "made from its name"
        yield _setting(f"endpoints.{name}.id", value, source)


def _leaves(
    data: Mapping[str, Any], key: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in data.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*key, name))
        else:
            yield (*key, name), value


def _safe(key: tuple[str, ...], value: Any) -> Any:
    channel = notification_channels().get(key[1]) if key[0] == "notify" and len(key) == 2 else None
    if channel is None:
        return value
    if isinstance(value, list | tuple):
        return [channel.redact(each) for each in value]
    return channel.redact(value) if isinstance(value, str) else value


def _line(file: TomlDocument, *key: str) -> str:
    return f"{CONFIG_FILE}:{file.line_of(key)}"


def _setting(key: str, value: Any, source: str) -> dict[str, Any]:
    return {"key": key, "value": value, "source": source}


def shown(value: Any) -> str:
    """Return a setting's value as text."""
    return value if isinstance(value, str) else json.dumps(value)
