"""Misfits, solvers, optimisers by name: modules of a package here, entry points of other packages.

A module of the package here has the name of what it defines. Another package announces what it
defines by an entry point of the group; it cannot replace what is defined here.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from dataclasses import dataclass
from typing import Any

from headrace._internal.entry_points import EntryPoints, entry_points
from headrace.seismic.errors import ConfigError


@dataclass(frozen=True)
class PluginGroup:
    """Interchangeable objects that are found by name.

    Attributes:
        kind: noun for messages, for example ``solver``.
        entry_points: group of the entry points of other packages.
        package: dotted name of the package whose modules define the ones here.
        attribute: attribute of such a module that is the object.
    """

    kind: str
    entry_points: str
    package: str
    attribute: str

    def names(self) -> list[str]:
        """Return the names of all, sorted."""
        return sorted({*self._modules(), *self._entry_points().names})

    def knows(self, name: str) -> bool:
        """Return whether there is one of this name."""
        return name in self._modules() or name in self._entry_points().names

    def is_own(self, name: str) -> bool:
        """Return whether the object of a name is defined here."""
        return name in self._modules()

    def find(self, name: str) -> Any:
        """Return the object of a name.

        Raises:
            ConfigError: there is none, or it cannot be used, as at `load`.
        """
        try:
            return self.load(name)
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"{self.kind} {name!r} needs {error.name}, which is not installed"
            ) from None
        except LookupError:
            raise ConfigError(
                f"{self.kind} {name!r}: there are {', '.join(self.names())}"
            ) from None

    def load(self, name: str) -> Any:
        """Import the object of a name.

        Args:
            name: one of `names`.

        Raises:
            ConfigError: two packages define one of this name, or the entry point names an object
                that does not exist.
            ModuleNotFoundError: a module that it needs is not installed.
            LookupError: there is none of this name.
        """
        if name in self._modules():
            return getattr(importlib.import_module(f"{self.package}.{name}"), self.attribute)
        found = self._entry_points().select(name=name)
        targets = sorted({entry.value for entry in found})
        if not targets:
            raise LookupError(name)
        if len(targets) > 1:
            raise ConfigError(
                f"{self.kind} {name!r}: two packages define it, {' and '.join(targets)}; "
                "uninstall one of them"
            )
        (entry, *_) = found
        try:
            return entry.load()
        except AttributeError as error:
            raise ConfigError(f"{self.kind} {name!r}: {entry.value}: {error}") from None

    def _modules(self) -> frozenset[str]:
        return _module_names(self.package)

    def _entry_points(self) -> EntryPoints:
        return entry_points(self.entry_points)


# A misfit is looked up for each pair of traces: the directory is listed once.
@functools.cache
def _module_names(package: str) -> frozenset[str]:
    path = importlib.import_module(package).__path__
    return frozenset(module.name for module in pkgutil.iter_modules(path))
