"""Every setting of a project with where it comes from, and the JSON schema of `headrace.toml`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any, Final

from headrace.config.errors import ProjectError
from headrace.config.project_config import CONFIG_FILE, PROFILE, resolve_target
from headrace.config.toml_table import TomlFile
from headrace.notifications import notification_channels
from headrace.project.project import Project

_NAMES: Final = {"propertyNames": {"pattern": "^[A-Za-z0-9][A-Za-z0-9_-]*$"}}
_ID: Final = {
    "type": "string",
    "format": "uuid",
    "description": "Its id at the hosted services.",
}


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
    file = TomlFile(project.config_file)
    if project.config.profile:
        file.use_profile(project.config.profile, must_exist=True)
        source = _profile_source(project.config.profile, target)
        found.append(_setting("profile", project.config.profile, source))
    named = "name" in file.top.data
    found.append(_setting("name", project.name, _line(file, "name") if named else "its directory"))
    for key, value in _leaves(file.top.data):
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
    if len(key) == 2 and key[0] == "notify" and isinstance(value, str):
        channel = notification_channels().get(key[1])
        return channel.redact(value) if channel else value
    return value


def _line(file: TomlFile, *key: str) -> str:
    return f"{CONFIG_FILE}:{file.line_of(key)}"


def _setting(key: str, value: Any, source: str) -> dict[str, Any]:
    return {"key": key, "value": value, "source": source}


def config_schema() -> dict[str, Any]:
    """Return the JSON schema (draft 7) of `headrace.toml`, for editors."""
    text = {"type": "string", "minLength": 1}
    collection = {
        "type": "object",
        "description": "A named storage place.",
        "required": ["root"],
        "additionalProperties": False,
        "properties": {
            "id": _ID,
            "data_access": {
                "type": "boolean",
                "description": "Whether it is a mapped collection, which wants a consent.",
            },
            "root": {
                **text,
                "description": "Its directory where jobs see it; relative to this file.",
            },
        },
    }
    endpoint = {
        "type": "object",
        "description": "A named Globus Compute endpoint.",
        "additionalProperties": False,
        "properties": {
            "id": _ID,
            "template": {**text, "description": "A folder of endpoint_configs/."},
            "options": {"type": "object", "description": "Values for the template."},
            "project": {**text, "description": "Path of the project where the endpoint runs."},
        },
    }
    provider = {
        "type": "object",
        "description": "An action provider elsewhere that flows at the facility may call.",
        "required": ["url"],
        "additionalProperties": False,
        "properties": {
            "url": {**text, "format": "uri", "description": "What URLs in flows begin with."},
            "token_file": {**text, "description": "File with its bearer token."},
        },
    }
    notify = {
        "type": "object",
        "description": "How people are notified.",
        "additionalProperties": False,
        "properties": {
            **{
                key: {**text, "description": channel.description}
                for key, channel in notification_channels().items()
            },
            "on": {
                **text,
                "description": "Statuses of runs that people are notified of; FAILED INACTIVE.",
            },
        },
    }
    profile = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "collections": _table({**collection, "required": []}),
            "endpoints": _table(endpoint),
            "notify": notify,
        },
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": CONFIG_FILE,
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "name": {**text, "description": "The project's name; its directory's by default."},
            "collections": _table(collection),
            "endpoints": _table(endpoint),
            "notify": notify,
            "action_providers": _table(provider),
            "profiles": {
                **_table(profile),
                "description": "What stands in the place of the rest: with --profile NAME or "
                "HEADRACE_PROFILE, and of itself at the target of that name.",
            },
        },
    }


def _table(of: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", **_NAMES, "additionalProperties": dict(of)}


def shown(value: Any) -> str:
    """Return a setting's value as text."""
    return value if isinstance(value, str) else json.dumps(value)
