"""Names that are not data: temporary names of copying tools and editors, and hidden names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

from headrace.triggers.name_pattern import name_pattern

_UNFINISHED = re.compile(
    r"""
      \..+\.[A-Za-z0-9]{6}          # rsync
    | \.~tmp~ | \.rsync-partial     # rsync --delay-updates, and the usual --partial-dir
    | .*\.(part|partial|filepart)   # browsers, curl, rclone, WinSCP
    | .*\.(crdownload|download|aria2|!sync)
    | .*\.te?mp
    | \.in\..*                      # lftp
    | \.goutputstream-.*            # GNOME's file manager
    | \.headrace-.*                 # our own transfers
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_LEFT_BEHIND = re.compile(
    r"""
      .*~ | \#.*\# | ~\$.*          # backups and locks of editors and office programs
    | .*\.sw[a-z] | .*\.bak
    | lost\+found
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)


def is_temporary_name(name: str, ignore: Iterable[str] = ()) -> bool:
    """Tell whether a name is one that a tool gives to what it is still writing.

    While such a name lies in a directory, the directory is not complete.

    Args:
        name: name of a file or directory, without its path.
        ignore: shell patterns of names that do not count as unfinished.

    Returns:
        True for a name such as rsync's ``.trace.dat.Xa81bQ``, or ``trace.dat.part``.
    """
    return _UNFINISHED.fullmatch(name) is not None and not is_ignored(name, ignore)


def may_be_arrival(
    name: str, pattern: str = "*", ignore: Iterable[str] = (), regex: str | None = None
) -> bool:
    """Tell whether a name in a watched directory may be an arrival.

    Args:
        name: name of a file or directory, without its path.
        pattern: shell pattern that it must match.
        ignore: shell patterns of names that are never arrivals.
        regex: regular expression that all of it must match, too.

    Returns:
        False for hidden names, for temporary names and for backups of editors.
    """
    return (
        not name.startswith(".")
        and _UNFINISHED.fullmatch(name) is None
        and _LEFT_BEHIND.fullmatch(name) is None
        and fnmatchcase(name, pattern)
        and not is_ignored(name, ignore)
        and (regex is None or name_pattern(regex).match(name) is not None)
    )


def is_ignored(name: str, ignore: Iterable[str]) -> bool:
    """Tell whether a name matches one of several shell patterns."""
    return any(fnmatchcase(name, pattern) for pattern in ignore)


def is_printable_name(name: str) -> bool:
    """Tell whether a name can be said in a flow's input: valid UTF-8 without control characters."""
    return not any(mark < " " or mark == "\x7f" or "\ud800" <= mark <= "\udfff" for mark in name)
