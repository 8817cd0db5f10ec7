"""Outputs of an earlier attempt: removed before a member is run again.

None of them is taken for one of the new attempt. Nothing behind a link to a directory is removed,
for no output is there, and it may be a file that others share.
"""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from .file_trees import files_below
from .member import NEXT, PackMember
from .output_patterns import fits

# Files that fit, then directories all of whose files do.
_REMOVE_FILES: Final = """\
for each in {patterns}; do [ -f "$each" ] && inside "$each" && rm -f -- "$each"; done; """
_REMOVE_DIRECTORIES: Final = """\
for each in {patterns}; do each=${{each%/}}; [ "$each" != . ] && [ -e "$each" ] && \
inside "$each" && {{ [ ! -L "$each" ] || [ -f "$each" ]; }} && rm -rf -- "$each"; done; """
# A path that begins with "./" has no link above its last name, and is in no directory of inputs.
_INSIDE: Final = """\
inside() {{ case "$1/" in {kept}) return 1; esac; local above=${{1%/*}}; \
until [ "$above" = . ]; do [ ! -L "$above" ] || return 1; above=${{above%/*}}; done; }}; """


def remove_stale_outputs(work: Path, member: PackMember, inputs: Sequence[str]) -> None:
    """Remove outputs that are in a member's working directory.

    Args:
        work: the directory.
        member: the member.
        inputs: names of its inputs, which are not removed.

    Raises:
        OSError: one cannot be removed.
    """
    patterns = _stale_patterns(member, inputs)
    trees = [*map(_directory_pattern, filter(_is_of_directories, patterns))]
    kept = _directories_of(inputs)
    if trees:
        for name in [*_directories(work)]:
            if not f"{name}/".startswith(kept) and any(fits(each, name) for each in trees):
                with contextlib.suppress(FileNotFoundError):  # with the one above it
                    shutil.rmtree(work / name)
    if patterns:
        for name in files_below(work):
            if not name.startswith(kept) and any(fits(each, name) for each in patterns):
                (work / name).unlink(missing_ok=True)
    if not _is_any_input(NEXT, inputs):
        (work / NEXT).unlink(missing_ok=True)


def removal_text(member: PackMember, inputs: Sequence[str]) -> list[str]:
    """Return lines for bash that do the same in the current directory.

    Args:
        member: the member.
        inputs: names of its inputs, which are not removed.
    """
    lines = []
    patterns = _stale_patterns(member, inputs)
    trees = [each for each in patterns if _is_of_directories(each)]
    others = [each for each in patterns if not _is_of_directories(each)]
    if patterns:
        text = "(shopt -s nullglob dotglob globstar; "
        kept = (f"{_shell_pattern(name)}*" for name in map(glob.escape, _directories_of(inputs)))
        text += _INSIDE.format(kept="|".join([*kept, "''"]))
        for loop, chosen in ((_REMOVE_FILES, others), (_REMOVE_DIRECTORIES, trees)):
            if chosen:
                text += loop.format(patterns=" ".join(map(_shell_pattern, chosen)))
        lines.append(f"{text.rstrip('; ')})")
    if not _is_any_input(NEXT, inputs):
        lines.append(f"[ ! -e {NEXT} ] || rm -f {NEXT}")
    return lines


def _stale_patterns(member: PackMember, inputs: Sequence[str]) -> list[str]:
    patterns = (*member.outputs, *member.optional_outputs)
    return [pattern for pattern in patterns if not _is_any_input(pattern, inputs)]


def _is_any_input(pattern: str, inputs: Sequence[str]) -> bool:
    """Return whether a pattern may fit an input: what was pushed is not removed."""
    return any(_is_input(pattern, name.removeprefix("./")) for name in inputs)


def _is_input(pattern: str, name: str) -> bool:
    return fits(pattern, name) or (name.endswith("/") and pattern.startswith((name, "*")))


def _directories_of(inputs: Sequence[str]) -> tuple[str, ...]:
    names = (name.removeprefix("./") for name in inputs)
    return tuple(name for name in names if name.endswith("/"))


def _is_of_directories(pattern: str) -> bool:
    """Return whether all files below a directory that fits are outputs."""
    return pattern.endswith("/") or pattern.rpartition("/")[2] == "**"


def _directory_pattern(pattern: str) -> str:
    return pattern.rstrip("/").removesuffix("/**")


def _directories(work: Path) -> Iterator[str]:
    for place, names, _ in os.walk(work):
        names[:] = [name for name in names if not os.path.islink(f"{place}/{name}")]  # noqa: PTH114
        yield from (f"{place}/{name}"[len(f"{work}/") :] for name in names)


def _shell_pattern(pattern: str) -> str:
    """Return a pattern as bash has it: everything but its wildcards quoted."""
    return "./" + "".join(
        character if character.isalnum() or character in "*?[]!^-._/" else f"\\{character}"
        for character in pattern.removeprefix("./")
    )
