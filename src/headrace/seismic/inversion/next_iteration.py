"""Band of the next iteration: decided alike where it is computed and at home."""

from __future__ import annotations

from headrace.seismic.inversion.bands import (
    BandIteration,
    current_band_iteration,
    next_band_iteration,
    start_of_band,
)
from headrace.seismic.inversion.project import Inversion
from headrace.seismic.inversion.settings import InversionSettings
from headrace.seismic.inversion.steering import Request


def request_after(
    inversion: Inversion,
    iteration: int,
    band_iteration: BandIteration,
    steered: str,
    *,
    over: bool,
) -> Request | None:
    """Return the request of the iteration after one, by settings and steering as they are.

    Args:
        inversion: settings and steering.
        iteration: number of the iteration before.
        band_iteration: its iteration of a band.
        steered: the band that a person asked for last and it or an earlier iteration has had.
        over: its band has nothing more to do, see `is_band_over`.

    Returns:
        The request; None after the last band.
    """
    steering, settings = inversion.steering, inversion.settings
    following: BandIteration | None
    if steering.changes_band(iteration + 1, steered):
        following = start_of_band(settings, steering.band)
    else:
        following = next_band_iteration(settings, band_iteration, over=over)
    return None if following is None else Request.for_iteration(iteration + 1, following, steered)


def is_band_over(
    settings: InversionSettings,
    band_iteration: BandIteration,
    before: float | None,
    after: float | None,
    *,
    kept: bool,
) -> bool:
    """Return whether a band has nothing more to do after an iteration.

    Args:
        settings: the settings as they are.
        band_iteration: iteration of the band.
        before: misfit at the start of the iteration; None if it has none.
        after: misfit of the model that it found; None if it found none.
        kept: no better model was found, so that the next iteration begins with the same.
    """
    if kept:
        return True
    if before is None or after is None:
        return False
    found = current_band_iteration(settings, band_iteration)
    minimum = settings.bands[found.position].stop_below if found else None
    return minimum is not None and before - after < minimum * before
