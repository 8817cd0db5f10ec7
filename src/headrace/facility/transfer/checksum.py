"""Checksums of files, by the names that bodies of transfers give them."""

from __future__ import annotations

import hashlib
from typing import Any, Protocol

import xxhash

# Not cryptographic: it finds what a disk, a cable or a bug did to a copy, 128 bits wide and faster
# than memory is read. Whoever has to tell a file from a forged one asks for SHA256.
DEFAULT_ALGORITHM = "xxh3_128"
# What the Transfer service assumes of an ``external_checksum`` that comes without an algorithm.
EXTERNAL_ALGORITHM = "md5"

_ALGORITHMS = {
    name.replace("_", ""): name
    for name in (DEFAULT_ALGORITHM, *sorted(hashlib.algorithms_guaranteed))
    if not name.startswith("shake")
}


class Checksum(Protocol):
    """Checksum that is being computed."""

    def update(self, data: memoryview, /) -> Any:
        """Add bytes."""

    def hexdigest(self) -> str:
        """Return the checksum of all bytes so far, in lower case."""


def find_algorithm(name: str) -> str | None:
    """Return the algorithm that a body names, in any case, with or without dashes; None: unknown.

    Args:
        name: such as ``SHA256``, ``sha-256``, ``MD5`` or ``XXH3-128``.
    """
    return _ALGORITHMS.get(name.lower().replace("-", "").replace("_", ""))


def new_checksum(algorithm: str) -> Checksum:
    """Return a checksum of no bytes yet.

    Args:
        algorithm: as `find_algorithm` returns it.
    """
    if algorithm == DEFAULT_ALGORITHM:
        return xxhash.xxh3_128()
    return hashlib.new(algorithm, usedforsecurity=False)
