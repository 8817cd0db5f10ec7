"""Continuation of an inversion that has paused, stopped, or come to its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.seismic.inversion.bands import BandIteration, first_band_iteration
from headrace.seismic.inversion.changes import allow_continuation, changes_since
from headrace.seismic.inversion.errors import InversionError
from headrace.seismic.inversion.next_iteration import is_band_over, request_after
from headrace.seismic.inversion.project import Inversion
from headrace.seismic.inversion.published import published_iterations, read_summary
from headrace.seismic.inversion.records import read_lines
from headrace.seismic.inversion.results import core_hours_of
from headrace.seismic.inversion.steering import Request, read_request


def next_request(inversion: Inversion, last: int) -> Request | None:
    """Return what comes after an iteration, by the settings as they are now.

    Bands may have been renamed, added or made longer since.

    Args:
        inversion: the home's settings and files.
        last: number of an iteration that has ended with a model.

    Returns:
        The next iteration's request; None if there is nothing more to do.
    """
    summary = read_summary(inversion.paths, last)
    band_iteration, steered = _band_iteration(summary)
    kept = bool(summary["kept"])
    over = is_band_over(
        inversion.settings, band_iteration, summary["misfit"], summary["misfit_after"], kept=kept
    )
    if kept:
        changes = changes_since(inversion.paths, last)
        over = not allow_continuation([one for one in changes if not one.key.startswith("bands")])
    return request_after(inversion, last, band_iteration, steered, over=over)


def repeated_request(inversion: Inversion, iteration: int) -> Request:
    """Return the request of an iteration that is published again.

    Made anew if it cannot be read.
    """
    try:
        return read_request(inversion.paths, iteration)
    except InversionError:
        if not iteration:
            return Request.for_iteration(0, first_band_iteration(inversion.settings))
        found = next_request(inversion, iteration - 1)
        if found is None:
            raise
        return found


def find_continuation(inversion: Inversion) -> Request | None:
    """Return the iteration that lets an inversion go on which nobody has under way.

    Args:
        inversion: the home's settings and files.

    Returns:
        What to publish; None if the last iteration has not ended.

    Raises:
        InversionError: there is nothing that would be done; the message says what to change.
    """
    paths = inversion.paths
    numbers = published_iterations(paths)
    last = numbers[-1] if numbers else 0
    summary = read_summary(paths, last)
    outcome = summary.get("outcome")
    if outcome == "paused":
        return repeated_request(inversion, last)
    if outcome == "stopped":
        _refuse_if_nothing_changed(inversion, last, summary)
        return repeated_request(inversion, last)
    if outcome == "finished":
        return _request_after_end(inversion, last, summary)
    return None


def _request_after_end(inversion: Inversion, last: int, summary: Mapping[str, Any]) -> Request:
    paths, settings = inversion.paths, inversion.settings
    where = f"{paths.root}: finished: {summary['reason']}"
    limit = settings.limits.core_hours
    records = (
        read_lines(paths.results(number) / "records.jsonl")
        for number in published_iterations(paths)
    )
    if limit is not None and (hours := core_hours_of(records)) >= limit:
        raise InversionError(
            f"{where}; {hours:.3g} core hours were used: raise limits.core_hours in "
            f"{paths.settings.name}, then `headrace inversion resume`"
        )
    if summary["misfit_after"] is None:  # it has no model of its own to go on from
        return repeated_request(inversion, last)
    found = next_request(inversion, last)
    if found is None:
        raise InversionError(
            f"{where}; add a band to {paths.settings.name} or raise the iterations of "
            f"{settings.bands[-1].name}, or ask for one with `headrace inversion set-band`, then "
            "`headrace inversion resume`"
        )
    return found


def _refuse_if_nothing_changed(inversion: Inversion, last: int, summary: Mapping[str, Any]) -> None:
    _, steered = _band_iteration(summary)
    changes = changes_since(inversion.paths, last)
    if inversion.steering.changes_band(last, steered) or allow_continuation(changes):
        return
    raise InversionError(
        f"{inversion.paths.root}: iteration {last} has stopped: {summary['reason']}; nothing was "
        f"changed since, so it would stop again: change {inversion.paths.settings.name}, drop an "
        f"event or station, ask for another band, or `headrace inversion redo {last} --from update`"
    )


def _band_iteration(summary: Mapping[str, Any]) -> tuple[BandIteration, str]:
    """Return an iteration's iteration of a band, and the band that was asked for by then."""
    values = summary["turn"]
    return BandIteration(**values | {"periods": tuple(values["periods"])}), str(summary["steered"])
