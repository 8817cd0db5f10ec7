"""A project: its directory, its configuration, and what lies in its folders."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from headrace._internal.near_names import known_names
from headrace.config.errors import ProjectError
from headrace.config.ids import local_id
from headrace.config.lock_file import LOCK_FILE, Lock, read_lock, write_lock
from headrace.config.project_config import (
    CollectionConfig,
    Config,
    EndpointConfig,
    find_config,
    read_config,
)
from headrace.project.flow_sources import FlowSource, flow_names, read_flows

if TYPE_CHECKING:
    from headrace.compute import Function


@dataclass(frozen=True)
class Project:
    """A directory with ``headrace.toml`` and its folders.

    Attributes:
        root: absolute path of the directory.
        config: what ``headrace.toml`` says.
    """

    root: Path
    config: Config

    @property
    def name(self) -> str:
        """The project's name."""
        return self.config.name

    @property
    def config_file(self) -> Path:
        """The path of ``headrace.toml``."""
        return self.root / "headrace.toml"

    @property
    def lock_file(self) -> Path:
        """The path of ``headrace.lock``."""
        return self.root / LOCK_FILE

    @property
    def flows_dir(self) -> Path:
        """The folder of flows."""
        return self.root / "flows"

    @property
    def functions_dir(self) -> Path:
        """The folder of compute functions."""
        return self.root / "compute_functions"

    @property
    def templates_dir(self) -> Path:
        """The folder of endpoint templates."""
        return self.root / "endpoint_configs"

    @property
    def triggers_dir(self) -> Path:
        """The folder of triggers."""
        return self.root / "triggers"

    @property
    def campaigns_dir(self) -> Path:
        """The folder of campaigns."""
        return self.root / "campaigns"

    @property
    def collections(self) -> Mapping[str, CollectionConfig]:
        """The collections, by name."""
        return self.config.collections

    @property
    def endpoints(self) -> Mapping[str, EndpointConfig]:
        """The endpoints, by name."""
        return self.config.endpoints

    def flow_names(self) -> list[str]:
        """Return the names of the flows, whatever their files say."""
        return flow_names(self.flows_dir)

    def flows(self, names: Iterable[str] | None = None) -> dict[str, FlowSource]:
        """Read flows, by name.

        Args:
            names: which; all by default. What is wrong with others does not matter.

        Raises:
            ProjectError: a file of theirs cannot be read.
        """
        return read_flows(self.flows_dir, names)

    def flow(self, name: str) -> FlowSource:
        """Read one flow.

        Raises:
            ProjectError: there is none of this name; the message lists the known ones.
        """
        names = self.flow_names()
        if name not in names:
            raise ProjectError(f"no flow {name!r} in {self.flows_dir}; {known_names(name, names)}")
        return self.flows([name])[name]

    def function_names(self) -> list[str]:
        """Return the names of the compute functions, whatever their modules hold."""
        from headrace.compute import function_names

        return function_names(self.functions_dir)

    def functions(self, names: Iterable[str] | None = None) -> dict[str, Function]:
        """Read compute functions, by name.

        Args:
            names: which; all by default. What is wrong with others does not matter.

        Raises:
            ComputeError: a module of theirs is not as it must be.
        """
        from headrace.compute import find_functions

        return find_functions(self.functions_dir, names) if self.functions_dir.is_dir() else {}

    def function(self, name: str) -> Function:
        """Read one compute function.

        Raises:
            ProjectError: there is none of this name; the message lists the known ones.
            ComputeError: its module is not as it must be.
        """
        names = self.function_names()
        if name not in names:
            raise ProjectError(
                f"no function {name!r} in {self.functions_dir}; {known_names(name, names)}"
            )
        return self.functions([name])[name]

    def lock(self) -> Lock:
        """Read what is deployed.

        Raises:
            ProjectError: the lock file is not one.
        """
        return read_lock(self.lock_file)

    def write_lock(self, lock: Lock) -> None:
        """Write what is deployed."""
        write_lock(self.lock_file, lock)

    def collection(self, name: str) -> CollectionConfig:
        """Return a collection.

        Raises:
            ProjectError: there is none of this name; the message lists the known ones.
        """
        if name not in self.collections:
            known = known_names(name, self.collections)
            raise ProjectError(f"no collection {name!r} in {self.config_file}; {known}")
        return self.collections[name]

    def endpoint(self, name: str) -> EndpointConfig:
        """Return an endpoint.

        Raises:
            ProjectError: there is none of this name; the message lists the known ones.
        """
        if name not in self.endpoints:
            known = known_names(name, self.endpoints)
            raise ProjectError(f"no endpoint {name!r} in {self.config_file}; {known}")
        return self.endpoints[name]

    def collection_id(self, name: str, target: str) -> str:
        """Return the id of a collection at a target.

        Raises:
            ProjectError: no such collection, or it has no id there.
        """
        return self._id("collection", name, self.collection(name).id, target)

    def endpoint_id(self, name: str, target: str) -> str:
        """Return the id of an endpoint at a target: as configured, or as it was started there.

        Raises:
            ProjectError: no such endpoint, or it has no id there.
        """
        given = self.endpoint(name).id
        if given is None and target != "local":
            given = self.lock().at(target).endpoints.get(name)
        return self._id("endpoint", name, given, target)

    def _id(self, kind: str, name: str, given: str | None, target: str) -> str:
        if given is not None:
            return given
        if target == "local":
            return local_id(kind, name)
        raise ProjectError(
            f'{self.config_file}: {kind} {name!r} has no id: add `id = "..."` to '
            f"[{kind}s.{name}] to use it at {target}"
            + (
                f", or run `headrace endpoint start {name} --at {target}` where it shall run"
                if kind == "endpoint"
                else ""
            )
        )


def load_project(
    path: Path | str | None = None, profile: str | None = None, target: str | None = None
) -> Project:
    """Load the project of a directory or of the nearest directory above.

    Args:
        path: ``headrace.toml`` or a directory; the working directory by default.
        profile: which profile of ``headrace.toml`` is used.
        target: where things run, for the profile of the target.

    Raises:
        ProjectError: there is none, or its ``headrace.toml`` is not as it must be.
    """
    start = Path(path) if path is not None else None
    if start is not None and not start.exists():
        raise ProjectError(f"{start}: no such directory")
    config_file = find_config(start)
    return Project(config_file.parent.resolve(), read_config(config_file, profile, target))


def find_root(path: Path | None = None) -> Path:
    """Return the root of a project without reading its configuration.

    Where no ``headrace.toml`` can be found because its disk is away, a facility that runs is asked.

    Args:
        path: ``headrace.toml`` or a directory; the working directory by default.

    Raises:
        ProjectError: there is no project, and no facility of one.
    """
    try:
        return find_config(path).parent.resolve()
    except (ProjectError, OSError) as error:
        from headrace.facility import running_root

        # A directory that is gone has no path any more but what the shell calls it.
        here = (path or Path(os.environ.get("PWD", "/"))).absolute()
        root = running_root(here)
        if root is not None:
            return root
        if isinstance(error, OSError):
            raise ProjectError(f"{here}: cannot be read: {error.strerror}") from error
        raise
