"""Checkpoints of OpenMM's legs: what the next start needs, with the sizes of the outputs.

A checkpoint is three files: ``STEP.chk``, which continues exactly with the same version, platform
and kind of machine; ``STEP.xml``, the state, which any OpenMM takes; and ``checkpoint.json``,
written last, which names both with their digests, and says how large the outputs were. The one
before is kept as ``checkpoint_prev.json``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from headrace._internal.atomic import write_atomic
from headrace.md.errors import MdError

CURRENT: Final = "checkpoint.json"
PREVIOUS: Final = "checkpoint_prev.json"


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint.

    Attributes:
        step: its step.
        part: number of the start that wrote it; the first one is 1.
        made_by: version, platform and machine for which the exact checkpoint is good.
        digests: SHA-256 of its two files, by name.
        outputs: sizes of the start's output files by name, in bytes.
    """

    step: int
    part: int
    made_by: str
    digests: Mapping[str, str]
    outputs: Mapping[str, int]

    @property
    def exact_name(self) -> str:
        """Name of the file that continues exactly."""
        return f"{self.step}.chk"

    @property
    def state_name(self) -> str:
        """Name of the file that any OpenMM takes."""
        return f"{self.step}.xml"


def write_checkpoint(
    state: Path,
    step: int,
    part: int,
    made_by: str,
    exact: bytes,
    portable: str,
    outputs: Mapping[str, int],
) -> None:
    """Write a checkpoint; the one before stays until this one is whole.

    Args:
        state: the leg's directory ``state``.
        step: its step.
        part: number of the start.
        made_by: version, platform and machine.
        exact: OpenMM's checkpoint.
        portable: the state as XML.
        outputs: sizes of the output files, which are on the disk.
    """
    contents = {f"{step}.chk": exact, f"{step}.xml": portable.encode()}
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    for name, content in contents.items():
        write_atomic(state / name, content)
    current = state / CURRENT
    if current.exists():
        # A copy, not a renaming: at no moment is there none.
        write_atomic(state / PREVIOUS, current.read_bytes())
    make_current(state, Checkpoint(step, part, made_by, digests, dict(outputs)))


def make_current(state: Path, checkpoint: Checkpoint) -> None:
    """Write the record of a checkpoint whose files are there, and remove files of no checkpoint."""
    write_atomic(state / CURRENT, json.dumps(asdict(checkpoint)) + "\n")
    _remove_unnamed(state)


def read_checkpoints(state: Path, faults: list[str]) -> list[Checkpoint]:
    """Return the whole checkpoints, the last one first.

    Args:
        state: the leg's directory ``state``.
        faults: gets a line for each that is damaged.
    """
    good: list[Checkpoint] = []
    for name in (CURRENT, PREVIOUS):
        path = state / name
        if not path.exists():
            continue
        try:
            good.append(_read(path))
        except MdError as error:
            faults.append(str(error))
    return sorted(good, key=lambda each: each.step, reverse=True)


def _remove_unnamed(state: Path) -> None:
    """Remove the files of checkpoints that neither record names."""
    named: set[str] = set()
    for name in (CURRENT, PREVIOUS):
        try:
            named |= json.loads((state / name).read_text(encoding="utf-8"))["digests"].keys()
        except FileNotFoundError:
            continue
        except (ValueError, KeyError, TypeError, AttributeError):
            return  # damaged: what it names is not known
    for path in [*state.glob("*.chk"), *state.glob("*.xml")]:
        if path.stem.isdigit() and path.name not in named:
            path.unlink()


def _read(path: Path) -> Checkpoint:
    try:
        found = Checkpoint(**json.loads(path.read_text(encoding="utf-8")))
        for name, digest in found.digests.items():
            if hashlib.sha256((path.parent / name).read_bytes()).hexdigest() != digest:
                raise MdError(f"{path.parent / name}: is not what {path.name} says")
    except OSError as error:
        raise MdError(f"{error.filename}: {error.strerror}") from None
    except (ValueError, TypeError, AttributeError) as error:
        raise MdError(f"{path}: no checkpoint: {error}") from None
    return found
