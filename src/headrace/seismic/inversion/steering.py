"""Steering of a running inversion by a person, and the request of each iteration."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from headrace._internal.files import write_whole
from headrace.seismic.inversion.bands import BandIteration
from headrace.seismic.inversion.errors import InversionError
from headrace.seismic.inversion.paths import Paths

REDO_STAGES = ("forward", "windows", "adjoint", "update")
PAUSES = ("stage", "iteration")
PAUSED_BEFORE_START = "paused before the iteration"
"""Reason of an iteration that was paused with nothing of it done."""


@dataclass(frozen=True)
class Steering:
    """Steering requests that hold until they are taken back.

    Attributes:
        pause: ``stage``, ``iteration``, or empty.
        pause_iteration: with ``iteration``: the last one that is done before.
        events: events left out, beside those of the settings.
        stations: stations left out, likewise.
        band: band that the next iteration to begin shall have; empty: as its request says.
        band_from: the first iteration that it may hold for; those after go on from there.
        band_id: different for each time that a band was asked for.
    """

    pause: str = ""
    pause_iteration: int = -1
    events: tuple[str, ...] = ()
    stations: tuple[str, ...] = ()
    band: str = ""
    band_from: int = 0
    band_id: str = ""

    def is_paused(self, iteration: int, *, starting: bool) -> bool:
        """Return whether an iteration shall wait.

        Args:
            iteration: its number.
            starting: it has not done anything yet.
        """
        if self.pause == "stage":
            return True
        return self.pause == "iteration" and starting and iteration > self.pause_iteration

    def changes_band(self, iteration: int, steered: str) -> bool:
        """Return whether an iteration that begins shall have another band than its request says.

        Args:
            iteration: its number.
            steered: the band that was asked for last and that an iteration before has had.
        """
        return bool(self.band) and iteration >= self.band_from and steered != self.band_id


@dataclass(frozen=True)
class Request:
    """Request of an iteration: the content of ``iteration.json``.

    Attributes:
        iteration: its number.
        band: name of its band.
        band_iterations: iterations of this band before it.
        periods: periods of its band as they were, s.
        position: number of its band among all, from 0; -1: not known.
        steered: the band that a person asked for last and an iteration before has had.
        redo: stage from which all is done again; empty: nothing is.
        restore: the optimiser goes back to where the iteration started.
        id: different for each request of one iteration.
    """

    iteration: int
    band: str
    band_iterations: int = 0
    periods: tuple[float, ...] = ()
    position: int = -1
    steered: str = ""
    redo: str = ""
    restore: bool = False
    id: str = ""

    @property
    def band_iteration(self) -> BandIteration:
        """Its place among the bands."""
        position = 0 if self.position < 0 and self.iteration == 0 else self.position
        return BandIteration(self.band, self.band_iterations, self.periods, position)

    @classmethod
    def for_iteration(
        cls, iteration: int, band_iteration: BandIteration, steered: str = ""
    ) -> Self:
        """Return the request of an iteration that has this turn."""
        return cls(
            iteration,
            band_iteration.band,
            band_iteration.before,
            band_iteration.periods,
            band_iteration.position,
            steered,
        )


def read_steering(paths: Paths) -> Steering:
    """Read what was asked for; nothing where there is no file.

    Raises:
        InversionError: the file cannot be used.
    """
    document = _read(paths.steering, default={})
    try:
        return Steering(
            **document
            | {name: tuple(document[name]) for name in ("events", "stations") if name in document}
        )
    except TypeError as error:
        raise InversionError(
            f"{paths.steering}: not steering of this version: {error}; remove it, and ask again "
            "for what was paused or dropped"
        ) from None


def write_steering(paths: Paths, steering: Steering) -> None:
    """Write what is asked for, whole or not at all."""
    write_whole(paths.steering, json.dumps(asdict(steering), indent=1) + "\n")


def read_request(paths: Paths, iteration: int) -> Request:
    """Read what an iteration shall do.

    Raises:
        InversionError: the file is missing or cannot be used.
    """
    path = paths.request(iteration)
    try:
        document = _read(path)
        found = Request(**document | {"periods": tuple(document.get("periods", ()))})
    except TypeError as error:
        raise InversionError(f"{path}: not a request of this version: {error}") from None
    if found.iteration != iteration:
        raise InversionError(f"{path}: is of iteration {found.iteration}")
    return found


def request_text(request: Request) -> str:
    """Return a request as its file has it."""
    return json.dumps(asdict(request), indent=1) + "\n"


def _read(path: Path, default: Mapping[str, Any] | None = None) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if default is not None:
            return dict(default)
        raise InversionError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:
        raise InversionError(f"{path}: cannot be read: {error}") from None
    if not isinstance(document, dict):
        raise InversionError(f"{path}: not a JSON object")
    return document
