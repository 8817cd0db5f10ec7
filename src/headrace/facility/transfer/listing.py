"""Operations on directories of a collection: ls, stat and mkdir."""

from __future__ import annotations

import fnmatch
import grp
import operator
import os
import pwd
import stat as modes
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from headrace.facility.transfer.collection import (
    Collection,
    OpenDirectory,
    open_root,
)
from headrace.facility.transfer.errors import TransferError, bad_request, transfer_error
from headrace.facility.transfer.links import open_directory, resolve_path
from headrace.facility.transfer.paths import display_name, display_path, parse_path, quoted
from headrace.facility.transfer.request import find_collection
from headrace.facility.transfer.temporary_names import is_temporary

# As the Transfer service's: maximum of entries in one response.
MAX_ENTRIES = 100_000
_ORDER = ("name", "type", "size", "last_modified", "user", "group", "permissions")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}


def ls(body: Mapping[str, Any], collections: Mapping[str, Collection]) -> dict[str, Any]:
    """List a directory.

    Temporary files of transfers that are under way are not shown. A symbolic link has the type of
    what it leads to; one that leads nowhere, or out of the collection, is an ``invalid_symlink``.

    Args:
        body: ``endpoint_id``; optionally ``path`` (default: the root), ``limit`` (default and
            most 100,000), ``offset`` (default 0), ``orderby`` (default ``type,name``; each field
            may have `` DESC`` after it), ``filter`` (``name:~*.txt/type:file/size:>100``: all must
            hold; ``!`` negates, ``~`` means a pattern) and ``show_hidden`` (default True).
        collections: by id.

    Returns:
        A ``file_list`` document.

    Raises:
        TransferError: ``ClientError.NotFound``, ``ExternalError.DirListingFailed.NotDirectory``,
            ``PermissionDenied``, ``ClientError.InvalidPath`` or ``ClientError.BadRequest``.
    """
    collection = find_collection(body, "endpoint_id", collections)
    path = body.get("path")
    parts = parse_path("/" if path is None else path)
    limit = _number(body, "limit", MAX_ENTRIES, MAX_ENTRIES)
    offset = _number(body, "offset", 0, None)
    tests = _filter(body.get("filter"))
    order = _orderby(body.get("orderby"))
    hidden = body.get("show_hidden") is not False
    entries = []
    with open_directory(collection, parts) as folder:
        for name in folder.names():
            if is_temporary(name) or (name.startswith(".") and not hidden):
                continue
            status = folder.lstat(name)
            if status is not None:
                entry = _entry(folder, name, status)
                if all(test(entry) for test in tests):
                    entries.append(entry)
    for field, descending in reversed(order):
        entries.sort(key=operator.itemgetter(field), reverse=descending)
    page = entries[offset : offset + limit]
    shown_as = display_path(parts, directory=True)
    return {
        "DATA_TYPE": "file_list",
        "DATA": page,
        "endpoint": collection.id,
        "path": shown_as,
        "absolute_path": shown_as,
        "length": len(page),
        "total": len(entries),
        "limit": limit,
        "offset": offset,
        "has_next_page": offset + len(page) < len(entries),
        "rename_supported": True,
        "symlink_supported": False,
    }


def stat(body: Mapping[str, Any], collections: Mapping[str, Collection]) -> dict[str, Any]:
    """Return the type, size and times of a file or directory.

    Args:
        body: ``endpoint_id`` and ``path``.
        collections: by id.

    Returns:
        A ``file`` document.

    Raises:
        TransferError: ``ClientError.NotFound``, ``PermissionDenied``, ``ClientError.InvalidPath``.
    """
    collection = find_collection(body, "endpoint_id", collections)
    parts = parse_path(body.get("path"))
    if not parts:
        with open_root(collection) as root:
            return _entry(root, "/", os.fstat(root.fd))
    with open_directory(collection, parts[:-1]) as folder:
        status = folder.lstat(parts[-1])
        if status is None:
            message = f"{folder.describe(parts[-1])}: does not exist"
            raise TransferError("ClientError.NotFound", message)
        return _entry(folder, parts[-1], status)


def mkdir(body: Mapping[str, Any], collections: Mapping[str, Collection]) -> dict[str, Any]:
    """Make a directory; the one that it will lie in must exist.

    Args:
        body: ``endpoint_id`` and ``path``.
        collections: by id.

    Returns:
        A ``mkdir_result`` document.

    Raises:
        TransferError: ``ExternalError.MkdirFailed.Exists``, ``ClientError.NotFound``,
            ``PermissionDenied``, ``ClientError.InvalidPath`` or ``EndpointError.NoSpace``.
    """
    collection = find_collection(body, "endpoint_id", collections)
    parts = parse_path(body.get("path"))
    if not parts:
        message = f"collection {quoted(collection.name)}, path '/': exists already"
        raise TransferError("ExternalError.MkdirFailed.Exists", message)
    with open_directory(collection, parts[:-1]) as folder:
        try:
            os.mkdir(parts[-1], dir_fd=folder.fd)
        except FileExistsError:
            message = f"{folder.describe(parts[-1])}: exists already"
            raise TransferError("ExternalError.MkdirFailed.Exists", message) from None
        except OSError as error:
            raise transfer_error(error, folder.describe(parts[-1])) from error
        folder.flush()
    return {
        "DATA_TYPE": "mkdir_result",
        "code": "DirectoryCreated",
        "message": "The directory was created successfully",
        "request_id": uuid.uuid4().hex[:9],
        "resource": "/operation/mkdir",
    }


def _entry(folder: OpenDirectory, name: str, status: os.stat_result) -> dict[str, Any]:
    link: dict[str, Any] = dict.fromkeys(
        ("link_target", "link_size", "link_last_modified", "link_user", "link_group")
    )
    type_ = _type(status.st_mode)
    if modes.S_ISLNK(status.st_mode):
        target = _link_target_status(folder, name)
        type_ = "invalid_symlink" if target is None else _type(target.st_mode)
        link = {
            "link_target": _target(folder, name),
            "link_size": status.st_size,
            "link_last_modified": _time(status),
            "link_user": _user(status.st_uid),
            "link_group": _group(status.st_gid),
        }
        status = target or status
    return {
        "DATA_TYPE": "file",
        "name": display_name(name),
        "type": type_,
        "size": status.st_size,
        "last_modified": _time(status),
        "permissions": f"{modes.S_IMODE(status.st_mode):04o}",
        "user": _user(status.st_uid),
        "group": _group(status.st_gid),
        **link,
    }


def _type(mode: int) -> str:
    # A link that leads nowhere, or out of the collection.
    types: tuple[tuple[Callable[[int], bool], str], ...] = (
        (modes.S_ISREG, "file"),
        (modes.S_ISDIR, "dir"),
        (modes.S_ISLNK, "invalid_symlink"),
        (modes.S_ISFIFO, "pipe"),
        (modes.S_ISSOCK, "socket"),
        (modes.S_ISCHR, "chr"),
        (modes.S_ISBLK, "blk"),
    )
    return next((name for test, name in types if test(mode)), "other")


def _link_target_status(folder: OpenDirectory, name: str) -> os.stat_result | None:
    """Return the status of what a link leads to; None where that is not in the collection."""
    try:
        parent, found = resolve_path(folder.collection, (*folder.parts, name))
    except TransferError:
        return None
    with parent:
        return os.fstat(parent.fd) if found is None else parent.lstat(found)


def _target(folder: OpenDirectory, name: str) -> str | None:
    try:
        return display_name(os.readlink(name, dir_fd=folder.fd))
    except OSError:
        return None  # replaced since it was seen


def _time(status: os.stat_result) -> str:
    return datetime.fromtimestamp(int(status.st_mtime), UTC).isoformat(sep=" ")


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def _number(body: Mapping[str, Any], field: str, default: int, maximum: int | None) -> int:
    value = body.get(field)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise bad_request(f"{field}: must be a whole number from 0, not {quoted(str(value))}")
    return value if maximum is None else min(value, maximum)


def _orderby(value: object) -> list[tuple[str, bool]]:
    if value is None:
        return [("type", False), ("name", False)]
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list):
        raise bad_request("orderby: must be text such as 'size DESC,name'")
    order = []
    for term in value:
        field, _, direction = str(term).strip().partition(" ")
        if field not in _ORDER or direction.strip().upper() not in ("", "ASC", "DESC"):
            fields = ", ".join(_ORDER)
            raise bad_request(f"orderby: {quoted(str(term))} is not one of {fields}, with DESC")
        order.append((field, direction.strip().upper() == "DESC"))
    return order


def _filter(value: object) -> list[Callable[[dict[str, Any]], bool]]:
    if value is None:
        return []
    if isinstance(value, str):
        value = value.split("/")
    if not isinstance(value, list):
        raise bad_request("filter: must be text such as 'name:~*.txt/type:file'")
    return [_filter_test(str(term)) for term in value if str(term)]


def _filter_test(term: str) -> Callable[[dict[str, Any]], bool]:
    field, colon, wanted = term.partition(":")
    if field not in _ORDER or not colon:
        raise bad_request(f"filter: {quoted(term)} must be FIELD:VALUE, FIELD one of {_ORDER}")
    if field in ("size", "last_modified"):
        return _comparison(field, wanted)
    negated = wanted.startswith("!")
    choices = wanted.removeprefix("!").split(",")

    def test(entry: dict[str, Any]) -> bool:
        return negated != any(_is_like(str(entry[field]), choice) for choice in choices)

    return test


def _is_like(text: str, wanted: str) -> bool:
    if wanted.startswith("~"):
        return fnmatch.fnmatchcase(text, wanted[1:])
    return text == wanted.removeprefix("=")


def _comparison(field: str, wanted: str) -> Callable[[dict[str, Any]], bool]:
    sign = next((sign for sign in _COMPARE if wanted.startswith(sign)), "")
    bound = wanted[len(sign) :].strip()
    compare = _COMPARE[sign or "="]
    try:
        limit: Any = int(bound) if field == "size" else _parse_time(bound)
    except ValueError:
        raise bad_request(f"filter: {field} cannot be compared with {quoted(bound)}") from None

    def test(entry: dict[str, Any]) -> bool:
        value = entry[field] if field == "size" else _parse_time(entry[field])
        return compare(value, limit)

    return test


def _parse_time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
