"""Bands of the iterations, also where the settings were changed meanwhile.

A request names its band and keeps its periods and its place among the bands. A band that has got
another name since is found by its periods, one that was replaced by its place.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from headrace.seismic.inversion.errors import InversionError
from headrace.seismic.inversion.settings import InversionSettings
from headrace.seismic.inversion.settings_file import Band


@dataclass(frozen=True)
class BandIteration:
    """Iteration of a band.

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


def iteration_of_band(settings: InversionSettings, band: Band, before: int = 0) -> BandIteration:
    """Return an iteration of a band of the settings.

    Args:
        settings: where the band is.
        band: the band.
        before: iterations that it has had.
    """
    return BandIteration(band.name, before, band.periods, settings.bands.index(band))


def first_band_iteration(settings: InversionSettings) -> BandIteration:
    """Return the first iteration of the first band."""
    return iteration_of_band(settings, settings.bands[0])


def start_of_band(settings: InversionSettings, name: str) -> BandIteration:
    """Return the first iteration of a band.

    Raises:
        ConfigError: there is no such band.
    """
    return iteration_of_band(settings, settings.band(name))


def current_band_iteration(
    settings: InversionSettings, band_iteration: BandIteration
) -> BandIteration | None:
    """Find an iteration of a band in settings that may have been changed since it was written.

    Args:
        settings: the settings as they are.
        band_iteration: as it was written.

    Returns:
        It in these settings; None if its band, and all after it, are gone.
    """
    for band in settings.bands:
        if band.name == band_iteration.band:
            return iteration_of_band(settings, band, band_iteration.before)
    for band in settings.bands:
        if band.periods == band_iteration.periods:
            return iteration_of_band(settings, band, band_iteration.before)
    if 0 <= band_iteration.position < len(settings.bands):
        return iteration_of_band(settings, settings.bands[band_iteration.position])
    return None


def require_band_iteration(
    settings: InversionSettings, band_iteration: BandIteration, iteration: int
) -> BandIteration:
    """As `current_band_iteration`, where an iteration must have one.

    Raises:
        InversionError: its band, and all after it, are gone.
    """
    found = current_band_iteration(settings, band_iteration)
    if found is None:
        known = ", ".join(band.name for band in settings.bands)
        raise InversionError(
            f"inversion.toml: band {band_iteration.band} of iteration {iteration} is not in it any "
            "more; "
            f"there are {known}: add a band, or `headrace inversion set-band NAME`"
        )
    return found


def next_band_iteration(
    settings: InversionSettings, band_iteration: BandIteration, *, over: bool = False
) -> BandIteration | None:
    """Return the iteration that follows.

    Args:
        settings: the settings as they are.
        band_iteration: the iteration before, as it was.
        over: its band has nothing more to do.

    Returns:
        The next iteration; None after the last band.
    """
    found = current_band_iteration(settings, band_iteration)
    if found is None:
        return None
    if found.band != band_iteration.band and found.periods != band_iteration.periods:
        return found  # a band that has taken the place of another has had no iteration yet
    if found.before + 1 < settings.bands[found.position].iterations and not over:
        return dataclasses.replace(found, before=found.before + 1)
    later = settings.bands[found.position + 1 :]
    return iteration_of_band(settings, later[0]) if later else None
