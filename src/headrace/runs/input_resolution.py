"""Names in a flow's input, and the ids and paths that they stand for at a target.

In the input, and what the run gets:

* ``{"collection": NAME, "path": P}``: ``{"id": <id of the collection>, "path": P}``
* ``{"endpoint": NAME}``: the id of the endpoint
* ``{"function": NAME}``: the id of the function, from ``headrace.lock``
* ``{"directory": {"collection": NAME, "path": P}}``: the directory's path as the endpoint sees it
* ``{"project_on": ENDPOINT}``: the path of the project where the endpoint runs
* ``{"options_of": ENDPOINT}``: the endpoint's options, which a task brings along at the hosted
  services; nothing at the facility, whose endpoints have theirs from ``headrace.toml``
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from headrace._internal.collection_path import CollectionPath, CollectionPathError
from headrace._internal.near_names import known_names
from headrace.config.errors import ProjectError
from headrace.config.lock_file import Lock
from headrace.config.project_config import at_option
from headrace.project.project import Project


def resolve_input(project: Project, lock: Lock, target: str, value: Any) -> Any:
    """Return ``value`` with every name in it replaced, at any depth.

    Args:
        project: whose names they are.
        lock: what is deployed.
        target: ``local`` or ``globus``.
        value: a flow's input, or a part of one; it is not changed.

    Raises:
        ProjectError: an unknown name, one without an id at the target, a function that is not
            deployed there, or a path that leaves its collection.
    """
    return InputResolver(project, lock, target).resolve(value)


def names_of_kind(kind: str, value: Any) -> Iterator[str]:
    """Yield the names of a kind, ``endpoint`` or ``function``, in an unresolved input."""
    if isinstance(value, Mapping):
        if set(value) == {kind} and isinstance(value[kind], str):
            yield value[kind]
        else:
            for item in value.values():
                yield from names_of_kind(kind, item)
    elif isinstance(value, list):
        for item in value:
            yield from names_of_kind(kind, item)


@dataclass(frozen=True)
class Location:
    """A directory or file that an input names.

    Attributes:
        collection: the collection's name.
        path: the path in it.
        member: where in the input it stands, such as ``results``.
    """

    collection: str
    path: str
    member: str

    @property
    def path_problem(self) -> str:
        """Reason why the path is none within a collection; empty where it is one."""
        try:
            CollectionPath.parse(self.collection, self.path)
        except CollectionPathError as error:
            return str(error)
        return ""

    def __str__(self) -> str:
        return f"{self.collection}:{self.path}"


def locations_of(value: Any, member: str = "") -> Iterator[Location]:
    """Yield the locations that an unresolved input names, in its order."""
    if isinstance(value, Mapping):
        if is_location(value):
            yield Location(value["collection"], value["path"], member)
            return
        for key, item in value.items():
            yield from locations_of(item, f"{member}.{key}" if member else str(key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from locations_of(item, f"{member}[{number}]")


@dataclass(frozen=True)
class InputResolver:
    """Resolver of names, for many inputs of one project.

    Attributes:
        project: whose names they are.
        lock: what is deployed.
        target: ``local`` or ``globus``.
    """

    project: Project
    lock: Lock
    target: str

    def resolve(self, value: Any) -> Any:
        """Return a value with every name in it replaced, as `resolve_input` does."""
        if isinstance(value, Mapping):
            return self._object(value)
        if isinstance(value, list):
            return [self.resolve(item) for item in value]
        return value

    def _object(self, value: Mapping[str, Any]) -> Any:
        if is_location(value):
            return self._location(value)
        if len(value) == 1:
            ((key, name),) = value.items()
            if key == "directory" and isinstance(name, Mapping) and is_location(name):
                return self._directory(name)
            words: dict[str, Callable[[str], Any]] = {
                "endpoint": lambda name: self.project.endpoint_id(name, self.target),
                "function": self._function,
                "options_of": self._options_of,
                "project_on": self._project_on,
            }
            if key in words and isinstance(name, str):
                return words[key](name)
        return {key: self.resolve(item) for key, item in value.items()}

    def _location(self, value: Mapping[str, Any]) -> dict[str, Any]:
        collection_id = self.project.collection_id(value["collection"], self.target)
        return {"id": collection_id, "path": value["path"]}

    def _directory(self, value: Mapping[str, Any]) -> str:
        root = self.project.collection(value["collection"]).root
        try:
            return str(CollectionPath.parse(value["collection"], value["path"]).local(root))
        except CollectionPathError as error:
            raise ProjectError(
                f"path {value['path']!r} in collection {value['collection']!r}: {error}"
            ) from None

    def _function(self, name: str) -> str:
        deployed = self.lock.at(self.target).functions
        if name in deployed:
            return deployed[name].id
        functions = self.project.function_names()
        if name in functions:
            raise ProjectError(
                f"function {name!r} is not deployed at {self.target}: run "
                f"`headrace deploy{at_option(self.target)}`"
            )
        known = known_names(name, functions)
        raise ProjectError(f"no function {name!r} in {self.project.functions_dir}; {known}")

    def _options_of(self, name: str) -> dict[str, Any]:
        options = self.project.endpoint(name).options
        return {} if self.target == "local" else dict(options)

    def _project_on(self, name: str) -> str:
        return self.project.endpoint(name).project or str(self.project.root)


def is_location(value: Mapping[str, Any]) -> bool:
    """Return whether a part of an input names a collection and a path in it."""
    return set(value) == {"collection", "path"} and all(
        isinstance(item, str) for item in value.values()
    )
