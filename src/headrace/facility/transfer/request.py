"""Requests for transfers and deletes, parsed from their bodies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headrace.facility.transfer.checksum import (
    DEFAULT_ALGORITHM,
    EXTERNAL_ALGORITHM,
    find_algorithm,
)
from headrace.facility.transfer.collection import Collection
from headrace.facility.transfer.errors import TransferError, bad_request
from headrace.facility.transfer.filter_rules import FilterRules, parse_rules
from headrace.facility.transfer.paths import parse_path, quoted

EXISTS, SIZE, MTIME, CHECKSUM = range(4)
_SYNC_NAMES = {"exists": EXISTS, "size": SIZE, "mtime": MTIME, "checksum": CHECKSUM}


@dataclass(frozen=True)
class TransferItem:
    """One pair of paths.

    Attributes:
        source: names that lead from the source collection's root to the file or directory.
        destination: names that lead to where it will be.
        recursive: whether it is a directory; None: see what it is.
        names_directory: the destination was written with a slash at its end.
        external_checksum: what the file's checksum must be, in lower case; "" if it was not given.
        algorithm: how the checksum is computed.
    """

    source: tuple[str, ...]
    destination: tuple[str, ...]
    recursive: bool | None
    names_directory: bool
    external_checksum: str
    algorithm: str


@dataclass(frozen=True)
class TransferRequest:
    """A transfer.

    Attributes:
        source: collection that is read.
        destination: collection that is written.
        items: what to copy.
        sync_level: 0 to 3, or None: copy every file.
        rules: which items of directories to take.
        verify_checksum: read each file again where it was written, and compare. Default: True.
        preserve_timestamp: keep files' times of modification. Default here: True; the hosted
            service has False.
        delete_destination_extra: remove from destination directories what the source does not have.
        skip_source_errors: leave out files that cannot be found or read. Default: False.
    """

    source: Collection
    destination: Collection
    items: tuple[TransferItem, ...]
    sync_level: int | None
    rules: FilterRules
    verify_checksum: bool
    preserve_timestamp: bool
    delete_destination_extra: bool
    skip_source_errors: bool


@dataclass(frozen=True)
class DeleteRequest:
    """A delete.

    Attributes:
        collection: where.
        paths: what to remove.
        recursive: directories too, with everything in them. Default: False.
        ignore_missing: a path that does not exist is no error. Default: False.
    """

    collection: Collection
    paths: tuple[tuple[str, ...], ...]
    recursive: bool
    ignore_missing: bool


def find_collection(
    body: Mapping[str, Any], field: str, collections: Mapping[str, Collection]
) -> Collection:
    """Return the collection that a member of a body names by its id.

    Raises:
        TransferError: ``EndpointNotFound``: there is no such collection.
    """
    value = body.get(field)
    if value is None:
        raise bad_request(f"{field}: is required; give a collection's id")
    found = collections.get(str(value))
    if found is None:
        known = ", ".join(f"{c.name} ({c.id})" for c in collections.values()) or "none"
        raise TransferError(
            "EndpointNotFound", f"{field}: no collection {quoted(str(value))}; there is: {known}"
        )
    return found


def parse_transfer(
    body: Mapping[str, Any], collections: Mapping[str, Collection]
) -> TransferRequest:
    """Read the body of a transfer.

    Raises:
        TransferError: ``ClientError.BadRequest``, ``ClientError.InvalidPath`` or
            ``EndpointNotFound``.
    """
    if not isinstance(body, Mapping):
        raise bad_request("the body must be an object")
    items = tuple(_item(n, item) for n, item in enumerate(_data(body)))
    return TransferRequest(
        source=find_collection(body, "source_endpoint", collections),
        destination=find_collection(body, "destination_endpoint", collections),
        items=items,
        sync_level=_sync_level(body.get("sync_level")),
        rules=parse_rules(body.get("filter_rules")),
        verify_checksum=_flag(body, "verify_checksum", True),
        preserve_timestamp=_flag(body, "preserve_timestamp", True),
        delete_destination_extra=_flag(body, "delete_destination_extra", False),
        skip_source_errors=_flag(body, "skip_source_errors", False),
    )


def parse_delete(body: Mapping[str, Any], collections: Mapping[str, Collection]) -> DeleteRequest:
    """Read the body of a delete.

    Raises:
        TransferError: ``ClientError.BadRequest``, ``ClientError.InvalidPath`` or
            ``EndpointNotFound``.
    """
    if not isinstance(body, Mapping):
        raise bad_request("the body must be an object")
    paths = []
    for position, item in enumerate(_data(body)):
        if not isinstance(item, Mapping) or "path" not in item:
            raise bad_request(f"DATA[{position}]: must be an object with a path")
        paths.append(parse_path(item["path"]))
    return DeleteRequest(
        collection=find_collection(body, "endpoint", collections),
        paths=tuple(paths),
        recursive=_flag(body, "recursive", False),
        ignore_missing=_flag(body, "ignore_missing", False),
    )


def _data(body: Mapping[str, Any]) -> list[Any]:
    data = body.get("DATA")
    if not isinstance(data, list) or not data:
        raise bad_request("DATA: must be a list of one or more items")
    return data


def _flag(document: Mapping[str, Any], name: str, default: bool) -> bool:
    value = document.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise bad_request(f"{name}: must be true or false, not {quoted(str(value))}")
    return value


def _sync_level(value: object) -> int | None:
    if value is None:
        return None
    level = _SYNC_NAMES.get(value) if isinstance(value, str) else value
    if isinstance(level, bool) or not isinstance(level, int) or not EXISTS <= level <= CHECKSUM:
        names = ", ".join(f"{number} ({name})" for name, number in _SYNC_NAMES.items())
        raise bad_request(f"sync_level: must be one of {names}, not {quoted(str(value))}")
    return level


def _item(position: int, item: object) -> TransferItem:
    where = f"DATA[{position}]"
    if not isinstance(item, Mapping):
        raise bad_request(f"{where}: must be an object with source_path and destination_path")
    if item.get("DATA_TYPE", "transfer_item") != "transfer_item":
        raise bad_request(f"{where}.DATA_TYPE: only 'transfer_item' is possible here")
    for field in ("source_path", "destination_path"):
        if field not in item:
            raise bad_request(f"{where}.{field}: is required")
    recursive = item.get("recursive")
    if recursive is not None and not isinstance(recursive, bool):
        raise bad_request(f"{where}.recursive: must be true, false or null")
    checksum = item.get("external_checksum") or ""
    default = EXTERNAL_ALGORITHM if checksum else DEFAULT_ALGORITHM
    named = item.get("checksum_algorithm") or default
    if not isinstance(checksum, str) or not isinstance(named, str):
        raise bad_request(f"{where}: external_checksum and checksum_algorithm must be strings")
    algorithm = find_algorithm(named)
    if algorithm is None:
        raise bad_request(f"{where}.checksum_algorithm: {quoted(named)} is unknown; try SHA256")
    return TransferItem(
        source=parse_path(item["source_path"]),
        destination=parse_path(item["destination_path"]),
        recursive=recursive,
        names_directory=str(item["destination_path"]).endswith("/"),
        external_checksum=checksum.lower(),
        algorithm=algorithm,
    )
