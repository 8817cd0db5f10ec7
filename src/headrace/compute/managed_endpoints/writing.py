"""Writing an endpoint's directory from a template of the project."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from headrace._internal.files import write_whole
from headrace.compute.errors import ComputeError
from headrace.compute.models import EndpointSpec
from headrace.compute.templates import (
    CONFIG_FILE,
    ENVIRONMENT_FILE,
    SCHEMA_FILE,
    TEMPLATE_FILE,
    check_endpoint,
)

from .directory import ManagedEndpoint

_PRIVATE = 0o600


def write_endpoint(
    endpoint: ManagedEndpoint,
    spec: EndpointSpec,
    allowed_functions: Sequence[str],
    settings: Mapping[str, Any],
) -> list[str]:
    """Write an endpoint's directory, or bring it up to date.

    Args:
        endpoint: where it goes.
        spec: its template and the values for it. They become the template's defaults: a task's
            ``user_endpoint_config`` still comes before them.
        allowed_functions: ids of the functions that it runs, and no others; empty for all.
        settings: further settings of the endpoint itself, over those of the template's
            ``config.yaml``.

    Returns:
        The names of the files that changed.

    Raises:
        ComputeError: the template or the values for it are not as they must be, or the directory
            cannot be written.
    """
    texts = _texts(spec, allowed_functions, settings)
    directory = endpoint.directory
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        changed = [name for name, text in texts.items() if _read(directory / name) != text]
        for name in changed:
            write_whole(directory / name, texts[name], _PRIVATE)
    except OSError as error:
        raise ComputeError(f"{directory}: cannot be written: {error.strerror}") from error
    return changed


def outdated_files(endpoint: ManagedEndpoint, spec: EndpointSpec) -> list[str]:
    """Return the names of the files that a start would write anew, for what the project says.

    The list of functions that the endpoint is limited to is not looked at.

    Raises:
        ComputeError: the template or the values for it are not as they must be.
    """
    texts = _texts(spec, [], {})
    directory = endpoint.directory
    return [n for n in texts if n != CONFIG_FILE and _read(directory / n) != texts[n]]


def _texts(
    spec: EndpointSpec, allowed_functions: Sequence[str], settings: Mapping[str, Any]
) -> dict[str, str]:
    """Return the files of an endpoint's directory by name."""
    template = check_endpoint(spec)
    source = f"endpoint_configs/{spec.template.name} and headrace.toml"
    heading = f"# Written by headrace from {source}; written again at every start.\n"
    return {
        CONFIG_FILE: heading + _config(spec, allowed_functions, settings),
        TEMPLATE_FILE: _template(spec, source),
        ENVIRONMENT_FILE: _read(spec.template / ENVIRONMENT_FILE),
        SCHEMA_FILE: _schema(template.schema or {}, spec),
    }


def remove_directory(endpoint: ManagedEndpoint) -> None:
    """Remove an endpoint's directory, and those of its children."""
    for directory in (*endpoint.user_endpoint_directories(), endpoint.directory):
        shutil.rmtree(directory, ignore_errors=True)


def jinja_literal(value: Any) -> str:
    """Return an option's value as a Jinja literal, quoted for YAML as the endpoint quotes it.

    A client's own strings reach a template as JSON, quotation marks and all; the values of the
    project must look the same.
    """
    if isinstance(value, str):
        return _jinja_string(json.dumps(value))
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return '"null"'
    if isinstance(value, Mapping):
        pairs = (f"{_jinja_string(str(key))}: {jinja_literal(item)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(jinja_literal, value)) + "]"
    return repr(value)


def _jinja_string(text: str) -> str:
    # Jinja reads the escapes of a Python string; the closing tag must not appear in one.
    escaped = (
        text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    )
    return '"' + escaped.replace("%", "\\x25").replace("}", "\\x7d").replace("{", "\\x7b") + '"'


def _config(spec: EndpointSpec, allowed: Sequence[str], settings: Mapping[str, Any]) -> str:
    import yaml

    path = spec.template / CONFIG_FILE
    try:
        base = yaml.safe_load(_read(path)) or {}
    except yaml.YAMLError as error:
        raise ComputeError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(base, dict):
        raise ComputeError(f"{path}: must hold settings by name")
    if "engine" in base:
        raise ComputeError(f"{path}: the engine belongs into {TEMPLATE_FILE}")
    config = {**base, **settings}
    if allowed:
        config["allowed_functions"] = sorted(allowed)
    return str(yaml.safe_dump(config, sort_keys=False))


def _template(spec: EndpointSpec, source: str) -> str:
    text = _read(spec.template / TEMPLATE_FILE)
    defaults = "".join(
        f"{{%- set {name} = {name} | default({jinja_literal(value)}) %}}\n"
        for name, value in spec.options.items()
    )
    note = f"{{#- Written by headrace from {source}; written again at every start. #}}\n"
    return note + defaults + text


def _schema(schema: Mapping[str, Any], spec: EndpointSpec) -> str:
    # What the project gives, a client need not.
    required = [name for name in schema.get("required", []) if name not in spec.options]
    return json.dumps({**schema, "required": required}, indent=1) + "\n"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise ComputeError(f"{path}: not UTF-8: {error.reason} at byte {error.start}") from error
    except OSError as error:
        raise ComputeError(f"{path}: cannot be read: {error.strerror}") from error
