"""Manifests: files that list the names of others, with their sizes or digests."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

_GNU = re.compile(r"(?P<escaped>\\)?(?P<kind>XXH3_)?(?P<digest>[0-9A-Fa-f]+) [ *](?P<name>.+)")
_BSD = re.compile(
    r"(?P<escaped>\\)?(?P<algorithm>[A-Za-z0-9_-]+) \((?P<name>.+)\) = (?P<digest>[0-9A-Fa-f]+)"
)
_BAGIT_NAME = re.compile(r"(?:tag)?manifest-(?P<algorithm>[a-z0-9]+)\.txt", re.IGNORECASE)
_BAGIT = re.compile(r"(?P<digest>[0-9A-Fa-f]+)[ \t]+\*?(?P<name>.+)")
# By the number of hexadecimal digits.
_BY_LENGTH: Final = {
    **{8: "xxh32", 16: "xxh64", 32: "md5", 40: "sha1"},
    **{56: "sha224", 64: "sha256", 96: "sha384", 128: "sha512"},
}
_LENGTHS: Final = {
    **{name: length for length, name in _BY_LENGTH.items()},
    **{"xxh3_64": 16, "xxh128": 32, "blake2b": 128, "blake2s": 64},
    **{"sha3_256": 64, "sha3_512": 128},
}
_OTHER_NAMES: Final = {"xxh3": "xxh3_64", "xxh3_128": "xxh128", "blake2": "blake2b"}
_NAME_COLUMNS = ("name", "file", "filename", "path")
_SIZE_COLUMNS = ("size", "bytes")
_DIGEST_COLUMNS = ("checksum", "digest", "hash")


class InvalidManifest(ValueError):
    """A manifest that cannot be read; the message names the line."""


@dataclass(frozen=True)
class ManifestEntry:
    """A file that a manifest lists.

    Attributes:
        path: its path in the arrival.
        size: its bytes; None where the manifest does not say.
        algorithm: of the digest, as `hashlib` or `xxhash` call it; "" where there is none.
        digest: in lower-case hexadecimal digits.
    """

    path: str
    size: int | None = None
    algorithm: str = ""
    digest: str = ""


def parse_manifest(name: str, text: str) -> tuple[ManifestEntry, ...]:
    """Read a manifest.

    Args:
        name: its file's name: ``manifest-sha256.txt`` is BagIt's, ``*.csv`` and ``*.tsv`` are
            tables of name, size and, where there is a third column, digest; else each line is one
            of ``sha256sum`` and its kin, plain or with ``--tag``, or of such a table.
        text: what it holds.

    Returns:
        the files, without the manifest itself.

    Raises:
        InvalidManifest: a line cannot be read, or names no file in the arrival.
    """
    found: dict[str, ManifestEntry] = {}
    for number, entry in _entries(name, text):
        if entry.path == name:
            continue
        if found.setdefault(entry.path, entry) != entry:
            raise InvalidManifest(f"line {number}: {entry.path} is listed twice, and differently")
    return tuple(found.values())


def _entries(name: str, text: str) -> Iterator[tuple[int, ManifestEntry]]:
    lines = text.removeprefix("\ufeff").splitlines()
    bagit = _BAGIT_NAME.fullmatch(name)
    if bagit is None and (separator := _separator(name, lines)):
        yield from _table_entries(lines, separator)
        return
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        if bagit is not None:
            yield number, _bagit_entry(number, line, bagit["algorithm"])
        else:
            yield number, _checksum_entry(number, line, name)


def _separator(name: str, lines: list[str]) -> str:
    """Return what separates the columns of a table; "" if the manifest is none."""
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in (".csv", ".tsv"):
        return "," if suffix == ".csv" else "\t"
    first = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    if _GNU.fullmatch(first) or _BSD.fullmatch(first):
        return ""
    return "\t" if "\t" in first else "," if "," in first else ""


def _checksum_entry(number: int, line: str, manifest: str) -> ManifestEntry:
    found = _BSD.fullmatch(line) or _GNU.fullmatch(line)
    if found is None:
        raise InvalidManifest(f"line {number}: {line[:60]!r} is no digest and name")
    name, digest = found["name"], found["digest"].lower()
    if found["escaped"]:
        marks = {"\\n": "\n", "\\r": "\r", "\\\\": "\\"}
        name = re.sub(r"\\[nr\\]", lambda piece: marks[piece[0]], name)
    said = found.groupdict().get("algorithm") or ""
    if not said and (found["kind"] or "xxh3" in manifest.lower()) and len(digest) == 16:
        said = "xxh3_64"
    if not said and "xxh" in manifest.lower() and len(digest) == 32:
        said = "xxh128"
    if not said and re.search(r"b2|blake2", manifest, re.IGNORECASE) and len(digest) == 128:
        said = "blake2b"
    return _entry(number, name, None, said, digest)


def _bagit_entry(number: int, line: str, algorithm: str) -> ManifestEntry:
    found = _BAGIT.fullmatch(line)
    if found is None:
        raise InvalidManifest(f"line {number}: {line[:60]!r} is no digest and name")
    codes = {"%0A": "\n", "%0D": "\r", "%25": "%"}
    name = re.sub(r"%(0A|0D|25)", lambda code: codes[code[0].upper()], found["name"], flags=re.I)
    return _entry(number, name, None, algorithm, found["digest"].lower())


def _table_entries(lines: list[str], separator: str) -> Iterator[tuple[int, ManifestEntry]]:
    rows = csv.reader(io.StringIO("\n".join(lines)), delimiter=separator)
    columns, kind = (0, 1, 2), ""
    first = True
    for row in rows:
        number = rows.line_num
        if not any(cell.strip() for cell in row) or row[0].startswith("#"):
            continue
        cells = [cell.strip() for cell in row]
        if first and len(cells) > 1 and not cells[1].isdecimal():
            columns, kind = _columns(number, cells)
            first = False
            continue
        first = False
        name, size, digest = (cells[n] if n < len(cells) else "" for n in columns)
        if not size.isdecimal():
            raise InvalidManifest(f"line {number}: the size {size!r} is no number of bytes")
        said, _, digits = digest.rpartition(":")
        yield number, _entry(number, name, int(size), said or kind, digits.lower())


def _columns(number: int, cells: list[str]) -> tuple[tuple[int, int, int], str]:
    """Return the columns of name, size and digest by a table's header, and the digest's kind."""
    titles = [cell.lower() for cell in cells]
    name = next((n for n, title in enumerate(titles) if title in _NAME_COLUMNS), None)
    size = next((n for n, title in enumerate(titles) if title in _SIZE_COLUMNS), None)
    if name is None or size is None:
        raise InvalidManifest(f"line {number}: has no columns 'name' and 'size'")
    kinds = {*_LENGTHS, *_OTHER_NAMES}
    for column, title in enumerate(titles):
        if title in _DIGEST_COLUMNS or _plain(title) in kinds:
            return (name, size, column), _plain(title) if _plain(title) in kinds else ""
    return (name, size, len(cells)), ""


def _plain(algorithm: str) -> str:
    """Return the name of an algorithm as it is known here."""
    lower = algorithm.lower()
    joined = re.sub(r"^(sha|xxh)-?(?=[0-9])", r"\1", lower).replace("-", "_")
    return _OTHER_NAMES.get(joined, joined)


def _entry(number: int, name: str, size: int | None, algorithm: str, digest: str) -> ManifestEntry:
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts or "\0" in name or not path.parts:
        raise InvalidManifest(f"line {number}: {name!r} is no file in the arrival")
    if not digest:
        return ManifestEntry(str(path), size)
    kind = _plain(algorithm) if algorithm else _BY_LENGTH.get(len(digest), "")
    if _LENGTHS.get(kind) != len(digest) or re.fullmatch("[0-9a-f]+", digest) is None:
        said = f"of {algorithm}" if algorithm else "of any kind that is known"
        raise InvalidManifest(f"line {number}: {digest[:20]!r}... is no digest {said}")
    return ManifestEntry(str(path), size, kind, digest)
