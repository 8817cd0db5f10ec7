"""User commands on a running inversion; each leaves a line in the history."""

from __future__ import annotations

import dataclasses
import glob
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headrace._internal.atomic import directory_replacement
from headrace._internal.files import write_whole
from headrace.seismic.inversion.bands import current_band_iteration, first_band_iteration
from headrace.seismic.inversion.continuation import find_continuation, repeated_request
from headrace.seismic.inversion.errors import InversionError, NotReady
from headrace.seismic.inversion.iteration import find_start
from headrace.seismic.inversion.paths import MARKER, Paths, number_text
from headrace.seismic.inversion.preflight import check_before
from headrace.seismic.inversion.project import Inversion, open_inversion
from headrace.seismic.inversion.published import is_started, published_iterations, read_summary
from headrace.seismic.inversion.records import append_history
from headrace.seismic.inversion.steering import (
    PAUSED_BEFORE_START,
    PAUSES,
    REDO_STAGES,
    Request,
    Steering,
    read_request,
    read_steering,
    request_text,
    write_steering,
)


def publish(paths: Paths, request: Request) -> None:
    """Publish an iteration, so that its run starts; what was there before is kept elsewhere.

    Args:
        paths: the inversion's files.
        request: what the iteration shall do.
    """
    place = paths.iteration(request.iteration)
    with directory_replacement(place) as new:
        write_whole(new / paths.request(0).name, request_text(request))
        write_whole(new / MARKER, f"iteration {request.iteration}\n")
        _supersede(paths, request.iteration)


def pause(root: Path, after: str, why: str = "") -> Steering:
    """Let the inversion stop after the stage that runs, or after the iteration.

    Args:
        root: the inversion's directory.
        after: ``stage`` or ``iteration``.
        why: for the history.

    Returns:
        What is asked for now.
    """
    paths = Paths(root)
    if after not in PAUSES:
        raise InversionError(f"pause after {after!r}: must be stage or iteration")
    numbers = published_iterations(paths)
    last = numbers[-1] if numbers else -1
    steering = dataclasses.replace(read_steering(paths), pause=after, pause_iteration=last)
    return _save_steering(paths, steering, f"pause after {after}", why, iteration=last)


def start(root: Path, why: str = "") -> None:
    """Publish the first iteration, from the settings as they are.

    Everything that it needs is looked at before.

    Args:
        root: the inversion's directory.
        why: for the history.

    Raises:
        NotReady: something would be refused later.
        InversionError: it has started already.
    """
    paths = Paths(root)
    if is_started(paths):
        last = published_iterations(paths)[-1]
        raise InversionError(
            f"{root}: iteration {last} is published already; `headrace inversion status` says how "
            "it stands"
        )
    found = check_before(root)
    if found.problems:
        raise NotReady(found.problems)
    append_history(paths.history, "start", why)
    publish(paths, first_request(root))


def resume(root: Path, why: str = "", *, again: bool = False) -> int | None:
    """Let an inversion go on that has paused, stopped or come to its end.

    A pause is taken back. An iteration that paused or stopped is published again. After the end
    the next iteration is published, where the settings have more for it now: another band, more
    iterations, core hours.

    Args:
        root: the inversion's directory.
        why: for the history.
        again: publish the last iteration again whatever became of it.

    Returns:
        The iteration that was published, or None if it was not stopped yet.

    Raises:
        InversionError: nothing is paused, or nothing would be done; the message says what to do.
    """
    inversion = open_inversion(root)
    paths, steering = inversion.paths, inversion.steering
    numbers = published_iterations(paths)
    if not again and not is_started(paths):
        raise InversionError(f"{root}: has not started; `headrace inversion start` publishes it")
    last = numbers[-1] if numbers else 0
    try:
        found = _last_request(inversion, last) if again else find_continuation(inversion)
    except InversionError:
        if not steering.pause:
            raise
        found = None  # the pause at least is taken back
    if found is None and not steering.pause:
        raise InversionError(
            f"{root}: nothing is paused; --again publishes the last iteration once more, which "
            "takes up one that has failed with what was mended"
        )
    about = {"iteration": last if found is None else found.iteration}
    _save_steering(paths, dataclasses.replace(steering, pause=""), "resume", why, **about)
    if found is None:
        return None
    publish(paths, found)
    return found.iteration


def redo(root: Path, iteration: int, stage: str, why: str = "") -> None:
    """Do an iteration again from a stage; later ones are set aside.

    Args:
        root: the inversion's directory.
        iteration: its number.
        stage: ``forward``, ``windows``, ``adjoint`` or ``update``.
        why: for the history.

    Raises:
        InversionError: there is no such iteration or stage.
    """
    if stage not in REDO_STAGES:
        raise InversionError(f"redo from {stage!r}: must be one of {', '.join(REDO_STAGES)}")
    _publish_again(Paths(root), iteration, f"redo from {stage}", why, stage)


def back_to(root: Path, iteration: int, why: str = "") -> None:
    """Go back to the model that an iteration started with; it and later ones are set aside.

    Args:
        root: the inversion's directory.
        iteration: its number.
        why: for the history.

    Raises:
        InversionError: there is no such iteration.
    """
    _publish_again(Paths(root), iteration, "back to", why, "")


def _last_request(inversion: Inversion, last: int) -> Request:
    if not is_started(inversion.paths):
        return first_request(inversion.paths.root)
    return repeated_request(inversion, last)


@dataclass(frozen=True)
class BandChange:
    """Outcome of a request for a band.

    Attributes:
        iteration: the first iteration that may have it.
        text: for people.
    """

    iteration: int
    text: str


def set_band(root: Path, band: str, why: str = "", staging: Path | None = None) -> BandChange:
    """Let the next iteration that begins have another band; those after follow in their order.

    Args:
        root: the inversion's directory.
        band: its name in ``inversion.toml``.
        why: for the history.
        staging: where it is computed, if that can be seen: there it is known which has started.

    Returns:
        The iteration that it holds for.

    Raises:
        ConfigError: there is no such band.
    """
    inversion = open_inversion(root)
    inversion.settings.band(band)
    coming, text = _first_iteration_with(inversion.paths, band, staging)
    steering = dataclasses.replace(
        inversion.steering, band=band, band_from=coming, band_id=secrets.token_hex(8)
    )
    _save_steering(inversion.paths, steering, f"band {band}", why, iteration=coming)
    return BandChange(coming, text)


def _first_iteration_with(paths: Paths, band: str, staging: Path | None) -> tuple[int, str]:
    if not is_started(paths):
        return 0, f"Iteration 0 has band {band}; `headrace inversion start` publishes it."
    last = published_iterations(paths)[-1]
    summary = read_summary(paths, last)
    outcome = summary.get("outcome")
    goes_on = "`headrace inversion resume` lets it go on."
    if outcome == "finished":
        return last + 1, f"Iteration {last + 1} has band {band}; {goes_on}"
    if outcome == "stopped":
        return last, f"Iteration {last} is done again in band {band}; {goes_on}"
    if outcome == "paused":
        if summary.get("reason") == PAUSED_BEFORE_START:
            return last, f"Iteration {last} has band {band}; {goes_on}"
        return last + 1, f"Iteration {last + 1} has band {band}; {last} goes on as it started."
    request = read_request(paths, last)
    if staging is not None:
        if find_start(Paths(staging), request) is not None:
            return last + 1, f"Iteration {last + 1} has band {band}; {last} has started before."
        return last, f"Iteration {last} has band {band}; it has not started yet."
    return last, (
        f"Iteration {last} has band {band} if it has not started yet, else iteration {last + 1}."
    )


def drop(root: Path, kind: str, name: str, why: str = "", *, undo: bool = False) -> int:
    """Leave out an event or a station from the next iteration on, or takes that back.

    Args:
        root: the inversion's directory.
        kind: ``event`` or ``station``.
        name: the event, or ``NET.STA``.
        why: for the history.
        undo: let it take part again.

    Returns:
        The iteration from which it is left out, or takes part.

    Raises:
        InversionError: there is no such event, it is the last one, or no such station; or it was
            not dropped.
    """
    inversion = open_inversion(root)
    steering, coming = inversion.steering, _next_unstarted(inversion.paths)
    dropped = steering.events if kind == "event" else steering.stations
    if undo:
        if name not in dropped:
            known = ", ".join(dropped) or "none is"
            raise InversionError(f"{kind} {name}: was not dropped; {known}")
        names = tuple(one for one in dropped if one != name)
    else:
        _refuse_to_drop(inversion, kind, name)
        names = (*dropped, name)
    if kind == "event":
        steering = dataclasses.replace(steering, events=names)
    else:
        steering = dataclasses.replace(steering, stations=names)
    what = f"{'take back' if undo else 'drop'} {kind} {name}"
    _save_steering(inversion.paths, steering, what, why, iteration=coming)
    return coming


def unfinished_iteration(root: Path) -> int | None:
    """Return the published iteration that has not come home yet; None if there is none.

    What is changed now holds for it, too, unless its line search has started, which only the place
    where it is computed knows.
    """
    paths = Paths(root)
    if not is_started(paths):
        return None
    last = published_iterations(paths)[-1]
    return last if not read_summary(paths, last).get("outcome") else None


def _refuse_to_drop(inversion: Inversion, kind: str, name: str) -> None:
    paths = inversion.paths
    if kind == "event":
        if name not in inversion.events:
            raise InversionError(f"{paths.events}: event {name} does not take part")
        if len(inversion.events) == 1:
            raise InversionError(f"{paths.events}: {name} is the last event")
    elif not any(paths.observed.glob(f"*/{glob.escape(name)}.*")):
        raise InversionError(f"{paths.observed}: no seismogram of station {name}")


def first_request(root: Path) -> Request:
    """Return what the first iteration shall do, by the settings as they are."""
    inversion = open_inversion(root)
    if inversion.paths.parent.is_file():  # a branch goes on where its parent was
        band_iteration = current_band_iteration(
            inversion.settings, repeated_request(inversion, 0).band_iteration
        )
        if band_iteration is not None:
            return Request.for_iteration(0, band_iteration)
    return Request.for_iteration(0, first_band_iteration(inversion.settings))


def _next_unstarted(paths: Paths) -> int:
    """Return the iteration that has not started yet."""
    if not is_started(paths):
        return 0
    last = published_iterations(paths)[-1]
    summary = read_summary(paths, last)
    not_started = summary.get("outcome") == "paused" and summary.get("misfit") is None
    return last if not_started else last + 1


def _publish_again(paths: Paths, iteration: int, what: str, why: str, stage: str) -> None:
    numbers = published_iterations(paths)
    if iteration not in numbers:
        known = f"{numbers[0]} to {numbers[-1]}" if numbers else "none"
        raise InversionError(f"{paths.iterations}: no iteration {iteration}; there are {known}")
    request = repeated_request(open_inversion(paths.root), iteration)
    request = dataclasses.replace(request, redo=stage, restore=True, id=secrets.token_hex(8))
    append_history(paths.history, what, why, iteration=iteration)
    for later in reversed([number for number in numbers if number > iteration]):
        _supersede(paths, later)
    write_steering(paths, dataclasses.replace(read_steering(paths), pause=""))
    publish(paths, request)


def _supersede(paths: Paths, number: int) -> None:
    place = paths.iteration(number)
    if not place.exists():
        return
    paths.superseded.mkdir(exist_ok=True)
    count = 1
    while (paths.superseded / f"{number_text(number)}.{count}").exists():
        count += 1
    place.rename(paths.superseded / f"{number_text(number)}.{count}")


def _save_steering(paths: Paths, steering: Steering, what: str, why: str, **about: Any) -> Steering:
    append_history(paths.history, what, why, **about)
    write_steering(paths, steering)
    return steering
