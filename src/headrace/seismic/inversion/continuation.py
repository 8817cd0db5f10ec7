"""How an inversion goes on that has paused, stopped, or come to its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.seismic.inversion.bands import Turn, first_turn, named_turn, next_turn
from headrace.seismic.inversion.changes import changes_since, lets_go_on
from headrace.seismic.inversion.errors import InversionError
from headrace.seismic.inversion.project import Inversion
from headrace.seismic.inversion.published import published, summary_of
from headrace.seismic.inversion.records import read_lines
from headrace.seismic.inversion.results import core_hours_of, is_slow
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
    summary = summary_of(inversion.paths, last)
    turn, steered = _turn(inversion, summary, last)
    steering = inversion.steering
    if steering.gives_band(last + 1, steered):
        return Request.of(last + 1, named_turn(inversion.settings, steering.band), steered)
    following = next_turn(inversion.settings, turn, over=_is_over(inversion, summary, turn))
    return None if following is None else Request.of(last + 1, following, steered)


def request_again(inversion: Inversion, iteration: int) -> Request:
    """Return the request of an iteration that is published again.

    Made anew if it cannot be read.
    """
    try:
        return read_request(inversion.paths, iteration)
    except InversionError:
        if not iteration:
            return Request.of(0, first_turn(inversion.settings))
        found = next_request(inversion, iteration - 1)
        if found is None:
            raise
        return found


def continuation(inversion: Inversion) -> Request | None:
    """Return the iteration that lets an inversion go on which nobody has under way.

    Args:
        inversion: the home's settings and files.

    Returns:
        What to publish; None if the last iteration has not ended.

    Raises:
        InversionError: there is nothing that would be done; the message says what to change.
    """
    paths = inversion.paths
    numbers = published(paths)
    last = numbers[-1] if numbers else 0
    summary = summary_of(paths, last)
    outcome = summary.get("outcome")
    if outcome == "paused":
        return request_again(inversion, last)
    if outcome == "stopped":
        _refuse_if_nothing_changed(inversion, last, summary)
        return request_again(inversion, last)
    if outcome == "finished":
        return _after_the_end(inversion, last, summary)
    return None


def _after_the_end(inversion: Inversion, last: int, summary: Mapping[str, Any]) -> Request:
    paths, settings = inversion.paths, inversion.settings
    where = f"{paths.root}: finished: {summary['reason']}"
    limit = settings.limits.core_hours
    records = (read_lines(paths.results(number) / "records.jsonl") for number in published(paths))
    if limit is not None and (hours := core_hours_of(records)) >= limit:
        raise InversionError(
            f"{where}; {hours:.3g} core hours were used: raise limits.core_hours in "
            f"{paths.settings.name}, then `headrace inversion resume`"
        )
    if summary["misfit_after"] is None:  # it has no model of its own to go on from
        return request_again(inversion, last)
    found = next_request(inversion, last)
    if found is None:
        raise InversionError(
            f"{where}; add a band to {paths.settings.name} or raise the iterations of "
            f"{settings.bands[-1].name}, or ask for one with `headrace inversion set-band`, then "
            "`headrace inversion resume`"
        )
    return found


def _refuse_if_nothing_changed(inversion: Inversion, last: int, summary: Mapping[str, Any]) -> None:
    _, steered = _turn(inversion, summary, last)
    changes = changes_since(inversion.paths, last)
    if inversion.steering.gives_band(last, steered) or lets_go_on(changes):
        return
    raise InversionError(
        f"{inversion.paths.root}: iteration {last} has stopped: {summary['reason']}; nothing was "
        f"changed since, so it would stop again: change {inversion.paths.settings.name}, drop an "
        f"event or station, ask for another band, or `headrace inversion redo {last} --from update`"
    )


def _turn(inversion: Inversion, summary: Mapping[str, Any], last: int) -> tuple[Turn, str]:
    told = summary.get("turn")
    if isinstance(told, dict):
        return Turn(**told | {"periods": tuple(told["periods"])}), str(summary["steered"])
    request = read_request(inversion.paths, last)
    return Turn(str(summary["band"]), request.band_iterations), request.steered


def _is_over(inversion: Inversion, summary: Mapping[str, Any], turn: Turn) -> bool:
    """Return whether the band of an iteration has nothing more to do, as the settings are now."""
    if summary.get("kept"):
        changes = changes_since(inversion.paths, int(summary["iteration"]))
        return not lets_go_on([one for one in changes if not one.key.startswith("bands")])
    before, after = summary["misfit"], summary["misfit_after"]
    if before is None or after is None:
        return False
    return is_slow(inversion.settings, turn, before, after)
