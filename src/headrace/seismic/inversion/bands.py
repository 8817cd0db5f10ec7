"""Which band an iteration has, and which the next: also where the settings were changed meanwhile.

A request names its band and keeps its periods and its place among the bands. A band that has got
another name since is found by its periods, one that was replaced by its place.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from headrace.seismic.inversion.errors import InversionError
from headrace.seismic.inversion.settings import Band, InversionSettings


@dataclass(frozen=True)
class Turn:
    """An iteration's place among the bands.

    Attributes:
        band: name of its band.
        before: iterations of this band before it.
        periods: of the band as it was, s; empty if that is not known.
        position: number of the band among all, from 0; -1 if that is not known.
    """

    band: str
    before: int = 0
    periods: tuple[float, ...] = ()
    position: int = -1


def turn_in(settings: InversionSettings, band: Band, before: int = 0) -> Turn:
    """Return the turn of a band of the settings.

    Args:
        settings: where the band is.
        band: the band.
        before: iterations that it has had.
    """
    return Turn(band.name, before, band.periods, settings.bands.index(band))


def first_turn(settings: InversionSettings) -> Turn:
    """Return the first iteration's."""
    return turn_in(settings, settings.bands[0])


def named_turn(settings: InversionSettings, name: str) -> Turn:
    """Return the first iteration of a band.

    Raises:
        ConfigError: there is no such band.
    """
    return turn_in(settings, settings.band(name))


def present_turn(settings: InversionSettings, turn: Turn) -> Turn | None:
    """Find a turn in settings that may have been changed since it was written.

    Args:
        settings: the settings as they are.
        turn: as it was written.

    Returns:
        The turn in these settings; None if its band, and all after it, are gone.
    """
    for band in settings.bands:
        if band.name == turn.band:
            return turn_in(settings, band, turn.before)
    for band in settings.bands:
        if band.periods == turn.periods:
            return turn_in(settings, band, turn.before)
    if 0 <= turn.position < len(settings.bands):
        return turn_in(settings, settings.bands[turn.position])
    return None


def required_turn(settings: InversionSettings, turn: Turn, iteration: int) -> Turn:
    """As `present_turn`, where an iteration must have one.

    Raises:
        InversionError: its band, and all after it, are gone.
    """
    found = present_turn(settings, turn)
    if found is None:
        known = ", ".join(band.name for band in settings.bands)
        raise InversionError(
            f"inversion.toml: band {turn.band} of iteration {iteration} is not in it any more; "
            f"there are {known}: add a band, or `headrace inversion set-band NAME`"
        )
    return found


def next_turn(settings: InversionSettings, turn: Turn, *, over: bool = False) -> Turn | None:
    """Return the turn after an iteration.

    Args:
        settings: the settings as they are.
        turn: the iteration's own, as it was.
        over: its band has nothing more to do.

    Returns:
        The next turn; None after the last band.
    """
    found = present_turn(settings, turn)
    if found is None:
        return None
    if found.band != turn.band and found.periods != turn.periods:
        return found  # a band that has taken the place of another has had no iteration yet
    if found.before + 1 < settings.bands[found.position].iterations and not over:
        return dataclasses.replace(found, before=found.before + 1)
    later = settings.bands[found.position + 1 :]
    return turn_in(settings, later[0]) if later else None
