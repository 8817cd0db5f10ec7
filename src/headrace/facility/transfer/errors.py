"""Errors of transfers, deletes and listings."""

from __future__ import annotations

import errno
import os

from headrace.facility.errors import FacilityError

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)

# errno: code, what to say in place of the system's message (or "")
_CODES: dict[int, tuple[str, str]] = {
    errno.ENOENT: ("ClientError.NotFound", "does not exist: correct the path"),
    errno.EACCES: ("PermissionDenied", "permission denied: ask its owner for access"),
    errno.EPERM: ("PermissionDenied", "not permitted to this user: ask its owner"),
    errno.EROFS: ("PermissionDenied", "is on a read-only file system: choose another place"),
    errno.ENOTDIR: ("ExternalError.DirListingFailed.NotDirectory", "is not a directory"),
    errno.EISDIR: ("ClientError.IsDirectory", "is a directory"),
    errno.EEXIST: ("ClientError.Exists", "exists already: choose another name"),
    errno.ENAMETOOLONG: ("ClientError.InvalidPath", "has a name that is too long: shorten it"),
    errno.ELOOP: ("PermissionDenied", "is a symbolic link, and links are not followed here"),
    errno.ENOSPC: ("EndpointError.NoSpace", "no space left: free some, then run again"),
    errno.EDQUOT: ("EndpointError.NoSpace", "quota exceeded: free some space, then run again"),
    errno.EMFILE: ("EndpointError.TooManyOpenFiles", "too many open files: raise `ulimit -n`"),
    errno.ENFILE: ("EndpointError.TooManyOpenFiles", "too many open files on this machine"),
}


class TransferError(FacilityError):
    """Error of a transfer, delete or listing.

    ``str(error)`` is one line: what, in which collection and path, and the way out.

    Attributes:
        code: the Transfer service's name of the error, such as ``ClientError.NotFound``.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class CopyFault(Exception):
    """Attempt to copy a file that failed in a way that a second attempt may cure.

    Attributes:
        code: the code of the error if no further attempt is left.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def bad_request(message: str) -> TransferError:
    """Return the error for a body that does not have the form it should have."""
    return TransferError("ClientError.BadRequest", message)


def transfer_error(error: OSError, where: str) -> TransferError:
    """Turn an error of the operating system into a `TransferError`.

    Args:
        error: what a system call raised.
        where: the collection and path, as ``OpenDirectory.describe`` returns it.
    """
    code, message = _CODES.get(error.errno or 0, ("EndpointError", ""))
    if not message:
        message = f"{os.strerror(error.errno or 0)}: check the disk or its mount, then run again"
    return TransferError(code, f"{where}: {message}")


def is_no_space(error: OSError) -> bool:
    """Return whether a disk or a quota is full."""
    return error.errno in _NO_SPACE
