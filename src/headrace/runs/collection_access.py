"""Checks of the collections that a run reads and writes, before it is started."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from headrace._internal.collection_path import CollectionPath
from headrace.project.diagnosis import Diagnosis
from headrace.project.project import Project
from headrace.runs.input_resolution import Location

if TYPE_CHECKING:
    from globus_sdk import GlobusAPIError

    from headrace.hosted import Services

# Below this, a run's first transfer may already fill the disk.
_MIN_FREE_BYTES: Final = 1_000_000_000
_READ: Final = re.compile(r"source_endpoint\.\$")
_WRITTEN: Final = re.compile(r"(destination_endpoint|endpoint|endpoint_id)\.\$")
_MEMBER: Final = re.compile(r"\$\.(.+)\.id")


def read_only_members(definition: Any) -> set[str]:
    """Return the members of the input that a flow's transfers read and never write.

    Args:
        definition: the flow's definition.
    """
    read, written = set(_members(definition, _READ)), set(_members(definition, _WRITTEN))
    return read - written


def check_location(
    project: Project, target: str, services: Services, location: Location, *, must_exist: bool
) -> Diagnosis:
    """Check one location: on this machine's disk, or through Transfer.

    Args:
        project: whose collections they are.
        target: ``local`` or ``globus``.
        services: the services there.
        location: the location.
        must_exist: whether a run reads it first.

    Raises:
        ProjectError: there is no such collection, or it has no id at the target.
        HostedError: the service does not answer, or a consent is missing; exit code 4 then.
    """
    collection = project.collection(location.collection)
    if location.path_problem:
        return Diagnosis(str(location), "bad", f"the path {location.path_problem}")
    path = CollectionPath.parse(location.collection, location.path)
    if target == "local":
        from headrace.facility.transfer import outside_link_problem

        directory = path.local(collection.root)
        if collection.root.is_dir():
            problem = outside_link_problem(location.collection, collection.root, location.path)
            if problem:
                return Diagnosis(str(location), "bad", problem)
        return _on_disk(str(location), collection.root, directory, must_exist)
    collection_id = project.collection_id(location.collection, target)
    return _through_transfer(services, path, collection_id, must_exist)


def _on_disk(what: str, root: Path, directory: Path, must_exist: bool) -> Diagnosis:
    if not root.is_dir():
        words = f"the collection's root {root} is not a directory: create it, or change `root`"
        return Diagnosis(what, "bad", words)
    there = directory.exists()
    nearest = directory
    while not nearest.exists():
        nearest = nearest.parent
    if not there and must_exist:
        return Diagnosis(what, "bad", f"{directory} is not there, and the flow reads it first")
    if there and not os.access(directory, os.R_OK):
        return Diagnosis(what, "bad", f"{directory} cannot be read: see its permissions")
    if not os.access(nearest, os.W_OK) and not must_exist:
        words = f"{nearest} cannot be written, which does not matter where it is only read"
        return Diagnosis(what, "warning", words)
    if (free := shutil.disk_usage(nearest).free) < _MIN_FREE_BYTES:
        return Diagnosis(what, "warning", f"only {free / 1e6:,.0f} MB are free in {nearest}")
    state = "is there" if there else "is not there yet"
    return Diagnosis(what, "good", f"{state}; {free / 1e9:,.0f} GB are free")


def _through_transfer(
    services: Services, path: CollectionPath, collection_id: str, must_exist: bool
) -> Diagnosis:
    from globus_sdk import TransferAPIError

    from headrace.hosted import explain

    what = str(path)
    for level, directory in enumerate(path.directories()):
        try:
            listing = services.transfer.operation_ls(collection_id, path=directory.path, limit=1)
        except TransferAPIError as error:
            if _is_absent(error) and not must_exist and directory.parts:
                continue
            if _is_file(error) and level == 0:
                return Diagnosis(what, "good", "is there, a file")
            if error.info.consent_required or error.http_status == 401:
                raise explain(error) from error
            return Diagnosis(what, "bad", _error_text(error))
        where = "is there" if level == 0 else f"is not there yet; {directory.path} is"
        count = listing.data.get("total")
        inside = f", {count} entries" if level == 0 and isinstance(count, int) else ""
        return Diagnosis(what, "good", f"{where}{inside}")
    return Diagnosis(what, "bad", "the collection shows no directory at all")


def _is_absent(error: GlobusAPIError) -> bool:
    return error.http_status == 404 and str(error.code).startswith("ClientError.NotFound")


def _is_file(error: GlobusAPIError) -> bool:
    return "NotDirectory" in str(error.code) or "NotADirectory" in str(error.code)


def _error_text(error: GlobusAPIError) -> str:
    message = " ".join(str(error.message or error.text).split())
    return f"{error.http_status} {error.code}: {message}"[:300]


def _members(value: Any, key: re.Pattern[str]) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            found = _MEMBER.fullmatch(item) if isinstance(item, str) else None
            if found is not None and key.fullmatch(str(name)):
                yield found[1]
            yield from _members(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from _members(item, key)
