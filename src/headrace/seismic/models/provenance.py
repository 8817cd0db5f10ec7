"""Provenance of a file of fields."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from headrace.seismic.errors import ModelError


@dataclass(frozen=True)
class Parent:
    """A file that went into another.

    Attributes:
        name: its name, for example ``003.h5``.
        content: its content hash.
    """

    name: str
    content: str


@dataclass(frozen=True)
class Provenance:
    """Provenance of a file. It holds no time of day: the same work gives the same file.

    Attributes:
        step: what made it, for example ``start`` or ``sum of kernels``.
        parents: what went in.
        settings: what was set; JSON values only.
        versions: versions of the programs; those of this package and its readers by default.
    """

    step: str
    parents: tuple[Parent, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=lambda: versions_of())

    def to_json(self) -> str:
        """As JSON, keys sorted."""
        return json.dumps(
            {
                "step": self.step,
                "parents": [[parent.name, parent.content] for parent in self.parents],
                "settings": dict(self.settings),
                "versions": dict(self.versions),
            },
            sort_keys=True,
        )

    @classmethod
    def from_json(cls, text: str) -> Provenance:
        """Back from JSON.

        Raises:
            ModelError: it is not what ``to_json`` writes.
        """
        try:
            document = json.loads(text)
            return cls(
                step=document["step"],
                parents=tuple(Parent(name, content) for name, content in document["parents"]),
                settings=document["settings"],
                versions=document["versions"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"provenance cannot be read: {error!r}") from None


def versions_of(*packages: str) -> dict[str, str]:
    """Versions of this package, h5py, numpy and ``packages``, those that are installed."""
    from importlib import metadata  # as long to import as the rest of a stage that reads only

    found = {}
    for name in ("headrace", "h5py", "numpy", *packages):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
