"""``headrace.toml``: the collections and endpoints of a project, by name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headrace._internal.settings import FileKind, ProjectWording, Reading, TomlDocument
from headrace._internal.settings.document import KeyPath
from headrace.config.errors import ProjectError
from headrace.config.ids import is_uuid
from headrace.config.phone_table import with_project
from headrace.config.project_file import (
    CONFIG_FILE,
    PROFILES,
    PROJECT,
    PROJECT_FILE,
    ResultsTable,
    SelectionTable,
    WebTable,
)
from headrace.config.toml_file import merged, profile_names, read_toml, with_profile

TARGETS = ("local", "globus")
PROFILE = "HEADRACE_PROFILE"
# What the environment may say otherwise: where data are and which endpoint runs, on this machine.
OVERRIDABLE: Mapping[str, tuple[str, ...]] = {
    "collection": ("root", "id"),
    "endpoint": ("id", "template", "project"),
}


@dataclass(frozen=True)
class CollectionConfig:
    """A named storage place.

    Attributes:
        name: what inputs and triggers call it.
        id: its id at the hosted services, or None.
        root: absolute path of its directory where jobs and the facility see it.
        data_access: whether it is a mapped collection, which wants a consent of its own.
    """

    name: str
    id: str | None
    root: Path
    data_access: bool = False


@dataclass(frozen=True)
class EndpointConfig:
    """A named Globus Compute endpoint.

    Attributes:
        name: what inputs call it.
        id: its id at the hosted services, or None.
        template: its folder of ``endpoint_configs``, or None where it only exists elsewhere.
        options: values for the template.
        project: path of the project where the endpoint runs, or None for this one's root.
    """

    name: str
    id: str | None
    template: str | None
    options: Mapping[str, Any] = field(default_factory=dict)
    project: str | None = None


@dataclass(frozen=True)
class ProviderConfig:
    """An action provider elsewhere that flows at the facility may call.

    Attributes:
        name: what the project calls it.
        url: what the URLs that flows name must begin with.
        token_file: absolute path of the file with its bearer token, or None.
    """

    name: str
    url: str
    token_file: Path | None


@dataclass(frozen=True)
class Config:
    """All that ``headrace.toml`` says.

    Attributes:
        name: the project's name; its directory's name when the file gives none.
        collections: by name.
        endpoints: by name.
        notify: how people are notified, and of what.
        action_providers: by name.
        selections: named selections of runs.
        scratch_keep: how long scratch directories are kept, such as ``30d``; None where the
            project does not say it.
        web: how `headrace web` serves its pages.
        results: where results are that stages share, and how long they are kept.
        overrides: keys whose values the environment gives, with the variable's name.
        profile: name of the profile in use, or nothing.
    """

    name: str
    collections: Mapping[str, CollectionConfig]
    endpoints: Mapping[str, EndpointConfig]
    notify: Mapping[str, Any]
    action_providers: Mapping[str, ProviderConfig] = field(default_factory=dict)
    selections: Mapping[str, SelectionTable] = field(default_factory=dict)
    scratch_keep: str | None = None
    results: ResultsTable = field(default_factory=ResultsTable)
    web: WebTable = field(default_factory=WebTable)
    overrides: Mapping[str, str] = field(default_factory=dict)
    profile: str = ""


def find_config(start: Path | None = None) -> Path:
    """Return the ``headrace.toml`` of a directory or of the nearest directory above.

    Args:
        start: the file itself or a directory; the working directory by default.

    Raises:
        ProjectError: there is none.
    """
    here = (start or Path.cwd()).absolute()
    if here.is_file():
        return here
    for directory in (here, *here.parents):
        if (directory / CONFIG_FILE).is_file():
            return directory / CONFIG_FILE
    raise ProjectError(f"{here}: no {CONFIG_FILE} here or above: run `headrace init`")


def read_config(path: Path, profile: str | None = None, target: str | None = None) -> Config:
    """Read ``headrace.toml``.

    Args:
        path: the file.
        profile: which ``[profiles.NAME]`` says some things otherwise; ``HEADRACE_PROFILE`` by
            default, else that of the target, where there is one.
        target: ``local`` or ``globus``; as ``resolve_target`` says by default.

    Raises:
        ProjectError: it cannot be read, or has an unknown key or a value of the wrong type.
    """
    document, used = _document(path, profile, target)
    overrides: dict[str, str] = {}
    document.values = _with_environment(document.values, overrides)
    found = Reading(document, ProjectWording()).read_or_raise(PROJECT, ProjectError)
    root = path.parent.resolve()
    name = root.name if found.name is None else found.name
    notify = found.notify
    if "phone" in notify:
        notify = with_project(notify, str(root), name, resolve_target(target))
    return Config(
        name=name,
        collections={
            name: CollectionConfig(name, one.id, _below(root, one.root), one.data_access)
            for name, one in found.collections.items()
        },
        endpoints={
            name: EndpointConfig(name, one.id, one.template, dict(one.options), one.project)
            for name, one in found.endpoints.items()
        },
        notify=notify,
        action_providers={
            name: ProviderConfig(
                name, one.url, root / Path(one.token_file).expanduser() if one.token_file else None
            )
            for name, one in found.action_providers.items()
        },
        selections=found.selections,
        scratch_keep=found.scratch.keep,
        results=found.results,
        web=found.web,
        overrides=overrides,
        profile=used,
    )


def config_problems(path: Path) -> list[str]:
    """Return all that is wrong with ``headrace.toml``: one line each.

    The file is read with the profile in use, and each other profile for itself.
    """
    try:
        document = read_toml(path)
        in_use, used = _document(path, None, None)
    except ProjectError as error:
        return [str(error)]
    passes = [Reading(in_use, ProjectWording()), Reading(document, ProjectWording())]
    PROJECT.read(in_use.values, passes[0].top)
    PROFILES.read(document.values.get("profiles", {}), passes[1].top.child("profiles"))
    # A fault in the profile in use is found twice, by keys without and with the profile's name.
    found: dict[tuple[KeyPath, int], str] = {}
    for fault in (fault for reading in passes for fault in reading.faults):
        key = fault.key[2:] if fault.key[:2] == ("profiles", used) else fault.key
        found.setdefault((key, fault.line), fault.message)
    return list(found.values())


HEADRACE_TOML = FileKind(
    name=CONFIG_FILE,
    description="The collections, endpoints and notifications of a project.",
    table=PROJECT_FILE,
    patterns=(CONFIG_FILE,),
    problems=config_problems,
)
"""The kind of file."""


def _document(path: Path, profile: str | None, target: str | None) -> tuple[TomlDocument, str]:
    """Return the file with the values of the profile in use, and that profile's name."""
    document = read_toml(path)
    chosen = profile or os.environ.get(PROFILE)
    used = chosen or resolve_target(target)
    if chosen or used in profile_names(document):
        return with_profile(document, used), used
    return document, ""


def resolve_target(target: str | None = None) -> str:
    """Return where things run: the given target, else ``HEADRACE_AT``, else ``local``.

    Raises:
        ProjectError: no such target.
    """
    value = target or os.environ.get("HEADRACE_AT") or "local"
    if value not in TARGETS:
        raise ProjectError(
            f"no target {value!r} (--at or HEADRACE_AT): one of {', '.join(TARGETS)}"
        )
    return value


def at_option(target: str) -> str:
    """Return what a command is given to work at a target, with a space before it.

    Args:
        target: ``local`` or ``globus``. It is left out where commands work by default: at
            ``local``, unless ``HEADRACE_AT`` says otherwise here.
    """
    is_default = target == "local" == (os.environ.get("HEADRACE_AT") or "local")
    return "" if is_default else f" --at {target}"


def _with_environment(values: Mapping[str, Any], overrides: dict[str, str]) -> dict[str, Any]:
    """Return the file's values with those that the environment gives, which are noted.

    ``HEADRACE_COLLECTION_HPC_ROOT`` stands for ``collections.hpc.root``.
    """
    given: dict[str, Any] = {}
    for kind, keys in OVERRIDABLE.items():
        tables = values.get(f"{kind}s")
        for name in tables if isinstance(tables, dict) else ():
            for key in keys:
                variable = f"HEADRACE_{kind}_{name}_{key}".upper().replace("-", "_")
                if variable not in os.environ:
                    continue
                value = os.environ[variable]
                if key == "id" and not is_uuid(value):
                    raise ProjectError(f"{variable}: expected a UUID, found {value!r}")
                given.setdefault(f"{kind}s", {}).setdefault(name, {})[key] = value
                overrides[f"{kind}s.{name}.{key}"] = variable
    return merged(values, given)


def _below(root: Path, directory: str) -> Path:
    return Path(os.path.normpath(root / Path(directory).expanduser()))
