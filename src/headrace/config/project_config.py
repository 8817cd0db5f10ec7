"""``headrace.toml``: the collections and endpoints of a project, by name."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from headrace.config.errors import ProjectError
from headrace.config.ids import is_uuid
from headrace.config.notify_table import check_notify
from headrace.config.toml_table import Table, TomlFile

CONFIG_FILE = "headrace.toml"
TARGETS = ("local", "globus")
PROFILE = "HEADRACE_PROFILE"
# What the environment may say otherwise: where data are and which endpoint runs, on this machine.
OVERRIDABLE: Mapping[str, tuple[str, ...]] = {
    "collection": ("root", "id"),
    "endpoint": ("id", "template", "project"),
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


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
        notify: how people are notified: ``command``, ``webhook``.
        action_providers: by name.
        overrides: keys whose values the environment gives, with the variable's name.
        profile: name of the profile in use, or nothing.
    """

    name: str
    collections: Mapping[str, CollectionConfig]
    endpoints: Mapping[str, EndpointConfig]
    notify: Mapping[str, str]
    action_providers: Mapping[str, ProviderConfig] = field(default_factory=dict)
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
    file = TomlFile(path)
    for name, other in file.top.tables("profiles").items():
        _checked(name, path)
        other.allow_only({"collections", "endpoints", "notify"})
    chosen = profile or os.environ.get(PROFILE)
    used = file.use_profile(chosen or resolve_target(target), must_exist=bool(chosen))
    top = file.top
    top.allow_only({"name", "collections", "endpoints", "notify", "action_providers", "profiles"})
    overrides: dict[str, str] = {}
    root = path.parent.resolve()
    notify = top.table("notify")
    notify_settings = {key: notify.text(key) for key in notify.data}
    try:
        check_notify(notify_settings)
    except ProjectError as error:
        raise ProjectError(f"{path}: {error}") from error
    return Config(
        name=top.text("name", root.name),
        collections={
            name: _collection(
                _checked(name, path), _overridden("collection", name, table, overrides), root
            )
            for name, table in top.tables("collections").items()
        },
        endpoints={
            name: _endpoint(_checked(name, path), _overridden("endpoint", name, table, overrides))
            for name, table in top.tables("endpoints").items()
        },
        notify=notify_settings,
        action_providers={
            name: _provider(_checked(name, path), table, root)
            for name, table in top.tables("action_providers").items()
        },
        overrides=overrides,
        profile=used,
    )


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


def _overridden(kind: str, name: str, table: Table, overrides: dict[str, str]) -> Table:
    """Return a table with the values that the environment gives, and notes them.

    ``HEADRACE_COLLECTION_HPC_ROOT`` stands for ``collections.hpc.root``.
    """
    given = {}
    for key in OVERRIDABLE[kind]:
        variable = f"HEADRACE_{kind}_{name}_{key}".upper().replace("-", "_")
        if variable in os.environ:
            given[key] = os.environ[variable]
            overrides[f"{kind}s.{name}.{key}"] = variable
            if key == "id" and not is_uuid(given[key]):
                raise ProjectError(f"{variable}: expected a UUID, found {given[key]!r}")
    return table.overridden(given) if given else table


def _collection(name: str, table: Table, root: Path) -> CollectionConfig:
    table.allow_only({"id", "root", "data_access"})
    directory = root / Path(table.text("root")).expanduser()
    data_access = table.flag("data_access", False)
    return CollectionConfig(name, _id(table), Path(os.path.normpath(directory)), data_access)


def _endpoint(name: str, table: Table) -> EndpointConfig:
    table.allow_only({"id", "template", "options", "project"})
    return EndpointConfig(
        name=name,
        id=_id(table),
        template=table.optional_text("template"),
        options=dict(table.table("options").data),
        project=table.optional_text("project"),
    )


def _provider(name: str, table: Table, root: Path) -> ProviderConfig:
    table.allow_only({"url", "token_file"})
    url = table.text("url")
    parts = urlsplit(url)
    loopback = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and loopback)):
        raise table.error("url", "must begin with https://, or http:// on this machine")
    file = table.optional_text("token_file")
    return ProviderConfig(name, url, root / Path(file).expanduser() if file else None)


def _id(table: Table) -> str | None:
    value = table.optional_text("id")
    if value is not None and not is_uuid(value):
        raise table.error("id", f"expected a UUID, found {value!r}")
    return value


def _checked(name: str, path: Path) -> str:
    if not _NAME.fullmatch(name):
        raise ProjectError(f"{path}: name {name!r}: use letters, digits, - and _, 64 at most")
    return name
