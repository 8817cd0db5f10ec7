"""Faults of the machine that pass: a full disk, too many open files, no memory for a process."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from typing import Final

_PASSING: Final = frozenset(
    {
        errno.EAGAIN,
        errno.EBUSY,
        errno.EDQUOT,
        errno.EIO,
        errno.EINTR,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOBUFS,
        errno.ENOMEM,
        errno.ENOSPC,
        errno.EROFS,
        errno.ESTALE,
        errno.ETIMEDOUT,
        errno.ETXTBSY,
    }
)


def is_transient(error: BaseException) -> bool:
    """Say whether trying again later may help, by the error itself and by what caused it."""
    return any(
        isinstance(one, TimeoutError | MemoryError)
        or (isinstance(one, RuntimeError) and "can't start new thread" in str(one))
        or (isinstance(one, OSError) and one.errno in _PASSING)
        for one in _chain(error)
    )


def mentions_transient_error(text: str) -> bool:
    """Say whether what a program printed names such a fault, as the system words it."""
    return any(os.strerror(number) in text for number in _PASSING - {errno.EINTR})


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [one.__cause__, one.__context__]
