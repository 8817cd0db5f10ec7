"""Files beside seismograms: those that are none, and why one that may be one is not read.

Sources: miniSEED, HDF5 and ASDF, zip, gzip and tar file formats.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from headrace._internal.terminal_text import terminal_text
from headrace.seismic.errors import StationProblem

BINARY_SUFFIXES: Final = {".sac", ".mseed", ".ms", ".miniseed", ".msd"}

# What stands beside seismograms and is none: never opened as one, never called a problem.
_OTHER_FILES = re.compile(
    r"\..*|.*~|STATIONS.*|CMTSOLUTION.*|FORCESOLUTION.*|SOURCE.*|Par_file.*|README.*|READY"
    r"|Thumbs\.db|desktop\.ini|__MACOSX"
    r"|.*\.(toml|json|xml|quakeml|txt|md|csv|png|pdf|svg|log|yaml|yml|html|py|sh|h5|hdf5|npy|dat|adj"
    r"|done|tmp|part)",
    re.I,
)
_SUFFIXES_OF_HDF5 = {".h5", ".hdf5", ".asdf"}
_SEISMOGRAM = re.compile(
    r".*\.(sac|mseed|ms|miniseed|msd|sem[a-z]?(\.ascii)?)|.*\.[A-Z]\.\d{4}\.\d{3}", re.I
)
_WITHOUT_NETWORK = re.compile(r"[^.]+\.[^.]+\.sem[a-z]?(\.ascii)?", re.I)
_HDF5 = b"\x89HDF\r\n\x1a\n"
_ARCHIVES = ((b"PK\x03\x04", "a zip archive"), (b"\x1f\x8b", "compressed by gzip"))
_BEGINNING = 1 << 16  # bytes that show what a file is


def is_other(path: Path) -> bool:
    """Return whether a file is none that should be read as a seismogram."""
    if path.suffix.lower() in _SUFFIXES_OF_HDF5:
        return not _is_asdf(_beginning(path))
    return _OTHER_FILES.fullmatch(path.name) is not None


def directory_problem(directory: Path) -> str | None:
    """Report seismograms in a directory below that of an event, where nobody looks for them."""
    if _OTHER_FILES.fullmatch(directory.name):
        return None
    found = next(_seismograms_below(directory, depth=4), None)
    if found is None:
        return None
    return (
        f"{shown_name(directory)}: a directory with seismograms ({shown_name(found)}) "
        "that are not read; move those of the event beside the others"
    )


def _seismograms_below(directory: Path, depth: int) -> Iterator[Path]:
    try:
        entries = sorted(directory.iterdir())
    except OSError:
        return
    for path in entries:
        if path.is_dir():
            if depth > 1:
                yield from _seismograms_below(path, depth - 1)
        elif _SEISMOGRAM.fullmatch(path.name):
            yield path


def refuse_unreadable(path: Path) -> None:
    """Refuse a file that cannot be a seismogram by its name or its first bytes.

    Raises:
        StationProblem: it is none; says what it is and what to do.
    """
    reason = _reason(path)
    if reason:
        raise StationProblem(f"{shown_name(path)}: {reason}")


def shown_name(path: Path) -> str:
    """Return a file's name as lines and tables can hold it."""
    return terminal_text(path.name)


def _reason(path: Path) -> str | None:
    if shown_name(path) != path.name:
        return "its name has bytes that are not UTF-8, or controls: rename it; it was left out"
    if "\\" in path.name:
        return "has a backslash in its name: unpack the archive anew, with its directories"
    if _WITHOUT_NETWORK.fullmatch(path.name):
        return "its name lacks the network: call it NET.STA.CHA.sem*; it was left out"
    if path.exists() and not path.is_file():
        return "is a pipe or a device, no file; remove it"
    first = _beginning(path)
    if first is None:
        return "cannot be opened; is it a broken link, or may you not read it?"
    if not first:
        return "the file is empty; fetch it again"
    for magic, name in _ARCHIVES:
        if first.startswith(magic):
            return f"is {name}, which is not read here: unpack it"
    if first[257:262] == b"ustar":
        return "is a tar archive, which is not read here: unpack it"
    if first.startswith(_HDF5):
        what = "ASDF" if _is_asdf(first) else "HDF5"
        return f"is {what}, which is not read here: write its waveforms as miniSEED or SAC"
    start = first.lstrip()[:15].lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "is a page of HTML, such as a data centre's error: fetch the data again"
    return None


def torn_problem(path: Path, stream: Any, warnings: Sequence[str]) -> str | None:
    """Report a miniSEED file that ends amid a record or holds something else.

    Args:
        path: the file.
        stream: what obspy read of it.
        warnings: of obspy.
    """
    found = [text for text in warnings if "readMSEEDBuffer()" in text]
    reason = found[0].split("(): ")[-1].split(". ")[0] if found else ""
    about = [trace.stats["mseed"] for trace in stream if "mseed" in trace.stats]
    if about and not reason:
        # obspy does not report every record that is cut off.
        rest = path.stat().st_size % min(int(one["record_length"]) for one in about)
        reason = f"its last record has {rest} bytes only" if rest else ""
    return f"{path.name}: is damaged or cut off ({reason}); fetch it again" if reason else None


def _beginning(path: Path) -> bytes | None:
    if not path.is_file():
        return None  # opening a pipe would wait for whoever writes into it
    try:
        with path.open("rb") as file:
            return file.read(_BEGINNING)
    except OSError:
        return None


def _is_asdf(first: bytes | None) -> bool:
    return bool(first and first.startswith(_HDF5) and (b"ASDF" in first or b"Waveforms" in first))
