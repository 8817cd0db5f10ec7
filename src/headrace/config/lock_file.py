"""``headrace.lock``: what is deployed where. It is committed and holds no secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from headrace._internal.files import write_whole
from headrace.config.errors import ProjectError
from headrace.config.text_files import read_json_object

LOCK_FILE = "headrace.lock"
VERSION = 1


@dataclass(frozen=True)
class DeployedFlow:
    """A flow at a target.

    Attributes:
        id: its id there.
        scope: the scope that starts its runs.
        sha256: hash of what was deployed.
        remote_sha256: hash of what the target answered, by which a later change there is noticed;
            empty where it is not known.
    """

    id: str
    scope: str
    sha256: str
    remote_sha256: str = ""


@dataclass(frozen=True)
class DeployedFunction:
    """A function at a target.

    Attributes:
        id: its id there.
        sha256: hash of its code.
    """

    id: str
    sha256: str


@dataclass(frozen=True)
class DeployedTimer:
    """A timer at the hosted Timers service.

    Attributes:
        id: its id there.
        sha256: hash of what was deployed.
        remote_sha256: hash of what the service answered.
    """

    id: str
    sha256: str
    remote_sha256: str


@dataclass(frozen=True)
class Deployed:
    """Flows, functions, endpoints and timers of the project at one target.

    Attributes:
        flows: by name.
        functions: by name.
        endpoints: ids of the endpoints that were started there, by name.
        timers: by name.
    """

    flows: Mapping[str, DeployedFlow] = field(default_factory=dict)
    functions: Mapping[str, DeployedFunction] = field(default_factory=dict)
    endpoints: Mapping[str, str] = field(default_factory=dict)
    timers: Mapping[str, DeployedTimer] = field(default_factory=dict)

    def with_timer(self, name: str, timer: DeployedTimer | None) -> Deployed:
        """Return this with a timer added, replaced, or taken out where there is none."""
        others = {key: value for key, value in self.timers.items() if key != name}
        return replace(self, timers={**others, name: timer} if timer else others)

    def with_flow(self, name: str, flow: DeployedFlow) -> Deployed:
        """Return this with a flow added or replaced."""
        return replace(self, flows={**self.flows, name: flow})

    def without_flow(self, name: str) -> Deployed:
        """Return this with a flow taken out."""
        return replace(self, flows={k: v for k, v in self.flows.items() if k != name})

    def without_function(self, name: str) -> Deployed:
        """Return this with a function taken out."""
        return replace(self, functions={k: v for k, v in self.functions.items() if k != name})

    def with_endpoint(self, name: str, endpoint_id: str | None) -> Deployed:
        """Return this with an endpoint added, replaced, or taken out where it has no id."""
        others = {key: value for key, value in self.endpoints.items() if key != name}
        return replace(self, endpoints={**others, name: endpoint_id} if endpoint_id else others)

    def with_function(self, name: str, function: DeployedFunction) -> Deployed:
        """Return this with a function added or replaced."""
        return replace(self, functions={**self.functions, name: function})


@dataclass(frozen=True)
class Lock:
    """Contents of the lock file.

    Attributes:
        targets: what is deployed, by the target's name.
    """

    targets: Mapping[str, Deployed] = field(default_factory=dict)

    def at(self, target: str) -> Deployed:
        """Return what a target has."""
        return self.targets.get(target, Deployed())

    def with_target(self, target: str, deployed: Deployed) -> Lock:
        """Return this with what a target has replaced."""
        return Lock({**self.targets, target: deployed})


def read_lock(path: Path) -> Lock:
    """Read the lock file; nothing is deployed where there is none.

    Args:
        path: the file.

    Raises:
        ProjectError: not a lock file, or one of a newer headrace.
    """
    if not path.exists():
        return Lock()
    document = read_json_object(path)
    if document.get("version") != VERSION:
        raise ProjectError(
            f"{path}: version {document.get('version')!r}, this headrace reads {VERSION}: "
            "upgrade headrace, or restore the file from version control"
        )
    try:
        # Lock files that stand committed may have the member's earlier name.
        named = document["places"] if "places" in document else document["targets"]
        targets = {target: _deployed(value) for target, value in named.items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise ProjectError(
            f"{path}: not a lock file ({error}): restore it from version control, "
            "or remove it and run `headrace deploy`"
        ) from error
    return Lock(targets)


def write_lock(path: Path, lock: Lock) -> None:
    """Write the lock file: sorted, and never half of it.

    Args:
        path: the file.
        lock: what it shall say.
    """
    document = {
        "version": VERSION,
        "targets": {target: _document(deployed) for target, deployed in lock.targets.items()},
    }
    write_whole(path, json.dumps(document, indent=2, sort_keys=True) + "\n")


def _document(deployed: Deployed) -> dict[str, Any]:
    document = asdict(deployed)
    for flow in document["flows"].values():
        flow["there"] = flow.pop("remote_sha256")
    if not deployed.endpoints:
        del document["endpoints"]
    if not deployed.timers:
        del document["timers"]
    return document


def _deployed(document: Mapping[str, Any]) -> Deployed:
    return Deployed(
        flows={name: _deployed_flow(**flow) for name, flow in document["flows"].items()},
        functions={name: DeployedFunction(**fn) for name, fn in document["functions"].items()},
        endpoints={name: str(value) for name, value in document.get("endpoints", {}).items()},
        timers={name: DeployedTimer(**one) for name, one in document.get("timers", {}).items()},
    )


def _deployed_flow(id: str, scope: str, sha256: str, there: str = "") -> DeployedFlow:  # noqa: A002
    return DeployedFlow(id, scope, sha256, there)
