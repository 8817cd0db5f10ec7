"""Files of users, such as reports, pictures and logs: served to nobody but whom a page shows them.

A page names a file of a collection by an address that carries a signature of this process, so that
nobody can ask for another one by guessing. What is served is confined to the collection's root and
comes under ``Content-Security-Policy: sandbox``: a report may hold scripts of anybody.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode

from starlette.responses import Response, StreamingResponse

from headrace.web.errors import NotAllowed, PageMissing

if TYPE_CHECKING:
    from headrace.project import Project

POLICY: Final = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""Policy of all files: no script, no form, nothing from elsewhere."""

PICTURES: Final = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
}
"""Media types of what is shown in its place; everything else is offered for download."""

_CHUNK_BYTES: Final = 256 * 1024
_FOLDER_FLAGS: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A pipe that nobody writes to would keep a thread for ever.
_FILE_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class UserFiles:
    """Addresses of files, and the files themselves.

    Args:
        project: returns the project, which has the collections.
    """

    def __init__(self, project: Callable[[], Project]) -> None:
        self._project = project
        self._key = secrets.token_bytes(32)

    def url(self, collection: str, path: str) -> str:
        """Return the address of a file, from the site's root; it holds until the server ends.

        Args:
            collection: name of the collection that it lies in.
            path: its path from the collection's root.
        """
        path = path.lstrip("/")
        query = urlencode({"key": self._signature(collection, path)})
        return f"files/{quote(collection, safe='')}/{quote(path)}?{query}"

    def response(self, collection: str, path: str, key: str) -> Response:
        """Return a file.

        Args:
            collection: name of the collection.
            path: path from its root.
            key: what the file's address carries.

        Raises:
            NotAllowed: no page has shown this address.
            PageMissing: there is no such file.
        """
        if not hmac.compare_digest(self._signature(collection, path).encode(), key.encode()):
            raise NotAllowed("no page has shown this file: load the page anew that names it")
        found = self._project().collections.get(collection)
        if found is None:
            raise PageMissing(f"there is no collection {collection!r}")
        descriptor = open_confined(found.root, path)
        size = os.fstat(descriptor).st_size
        name = Path(path).name
        media = PICTURES.get(Path(name).suffix.lower())
        disposition = "inline" if media else "attachment"
        headers = {
            "content-security-policy": POLICY,
            "content-disposition": f"{disposition}; filename*=UTF-8''{quote(name, safe='')}",
            "content-length": str(size),
        }
        return StreamingResponse(
            _chunks(descriptor, size),
            media_type=media or "application/octet-stream",
            headers=headers,
        )

    def _signature(self, collection: str, path: str) -> str:
        text = f"{collection}\0{path}".encode("utf-8", "surrogateescape")
        return hmac.new(self._key, text, hashlib.sha256).hexdigest()[:40]


def open_confined(root: Path, path: str) -> int:
    """Open a regular file below a directory, for reading; links may not lead out of it.

    Args:
        root: the directory.
        path: the file's path from there.

    Returns:
        its descriptor, which the caller closes.

    Raises:
        PageMissing: there is no such file there, or it cannot be read.
    """
    missing = PageMissing(f"{path!r} is no file there, or it cannot be read; the run may be gone")
    opened: list[int] = []
    try:
        base = root.resolve(strict=True)
        relative = (base / path.lstrip("/")).resolve(strict=True).relative_to(base)
        # None of the names is a link any more; one that is put there meanwhile is not followed.
        opened.append(os.open(base, _FOLDER_FLAGS))
        for name in relative.parts[:-1]:
            opened.append(os.open(name, _FOLDER_FLAGS, dir_fd=opened[-1]))
        descriptor = os.open(relative.name, _FILE_FLAGS, dir_fd=opened[-1])
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return descriptor
        os.close(descriptor)
    except (OSError, ValueError, RuntimeError) as error:
        raise missing from error
    finally:
        for each in opened:
            os.close(each)
    raise missing


def _chunks(descriptor: int, size: int) -> Iterator[bytes]:
    """Yield as much of a file as its answer has announced, also of one that grows or shrinks."""
    try:
        while size > 0:
            data = os.read(descriptor, min(size, _CHUNK_BYTES))
            size -= len(data)
            if not data:
                return
            yield data
    finally:
        with suppress(OSError):
            os.close(descriptor)
