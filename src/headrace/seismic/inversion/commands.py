"""What a person may do with an inversion that runs; each leaves a line in the history."""

from __future__ import annotations

import dataclasses
import json
import os
import secrets
import shutil
from pathlib import Path
from typing import Any

from headrace.files import write_whole
from headrace.seismic.inversion.errors import InversionError
from headrace.seismic.inversion.paths import MARKER, Paths, number_text
from headrace.seismic.inversion.project import open_inversion
from headrace.seismic.inversion.records import note_history
from headrace.seismic.inversion.steering import (
    PAUSES,
    REDO_STAGES,
    Request,
    Steering,
    read_request,
    read_steering,
    request_text,
    write_steering,
)
from headrace.seismic.models import FieldReader


def published(paths: Paths) -> list[int]:
    """Numbers of the iterations that were published, rising."""
    places = paths.iterations.glob("[0-9]*") if paths.iterations.is_dir() else []
    return sorted(int(place.name) for place in places if place.name.isdigit())


def publish(paths: Paths, request: Request) -> None:
    """Publishes an iteration, so that its run starts; what was there before is kept elsewhere.

    Args:
        paths: the inversion's files.
        request: what the iteration shall do.
    """
    place = paths.iteration(request.iteration)
    new = place.with_name(f".{place.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    write_whole(new / paths.request(0).name, request_text(request))
    write_whole(new / MARKER, f"iteration {request.iteration}\n")
    _supersede(paths, request.iteration)
    new.rename(place)


def pause(root: Path, after: str, why: str = "") -> Steering:
    """Lets the inversion stop after the stage that runs, or after the iteration.

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
    numbers = published(paths)
    last = numbers[-1] if numbers else -1
    steering = dataclasses.replace(read_steering(paths), pause=after, pause_iteration=last)
    return _steer(paths, steering, f"pause after {after}", why, iteration=last)


def start(root: Path, why: str = "") -> None:
    """Publishes the first iteration.

    Args:
        root: the inversion's directory.
        why: for the history.

    Raises:
        InversionError: it has begun already.
    """
    paths = Paths(root)
    numbers = published(paths)
    if numbers and paths.marker(numbers[-1]).exists():
        raise InversionError(f"{root}: iteration {numbers[-1]} is published already")
    note_history(paths.history, "start", why)
    if not paths.request(0).is_file():
        publish(paths, first_request(root))
    else:
        write_whole(paths.marker(0), "iteration 0\n")


def resume(root: Path, why: str = "", *, again: bool = False) -> int | None:
    """Takes a pause back; an iteration that was stopped is published again.

    Args:
        root: the inversion's directory.
        why: for the history.
        again: publish the last iteration again whatever became of it.

    Returns:
        The iteration that was published, or None if it was not stopped yet.

    Raises:
        InversionError: nothing is paused.
    """
    paths = Paths(root)
    steering = read_steering(paths)
    numbers = published(paths)
    last = numbers[-1] if numbers else 0
    outcome = outcome_of(paths, last)
    stopped = again or outcome in ("paused", "stopped")
    if not stopped and not steering.pause:
        raise InversionError(
            f"{root}: nothing is paused; a run that failed goes on with `headrace run retry`, and "
            "--again publishes the last iteration once more"
        )
    _steer(paths, dataclasses.replace(steering, pause=""), "resume", why, iteration=last)
    if not stopped:
        return None
    publish(paths, read_request(paths, last) if numbers else first_request(root))
    return last


def redo(root: Path, iteration: int, stage: str, why: str = "") -> None:
    """Does an iteration again from a stage; later ones are set aside.

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
    _again(Paths(root), iteration, f"redo from {stage}", why, stage)


def back_to(root: Path, iteration: int, why: str = "") -> None:
    """Goes back to the model that an iteration began with; it and later ones are set aside.

    Args:
        root: the inversion's directory.
        iteration: its number.
        why: for the history.

    Raises:
        InversionError: there is no such iteration.
    """
    _again(Paths(root), iteration, "back to", why, "")


def set_band(root: Path, band: str, why: str = "") -> int:
    """Lets the next iteration have another band; the bands after it follow in their order.

    Args:
        root: the inversion's directory.
        band: its name in ``inversion.toml``.
        why: for the history.

    Returns:
        The iteration that it holds for.

    Raises:
        ConfigError: there is no such band.
    """
    inversion = open_inversion(root)
    inversion.settings.band(band)
    coming = _coming(inversion.paths)
    steering = dataclasses.replace(inversion.steering, band=band, band_from=coming)
    _steer(inversion.paths, steering, f"band {band}", why, iteration=coming)
    return coming


def drop(root: Path, kind: str, name: str, why: str = "") -> int:
    """Leaves out an event or a station from the next iteration on.

    Args:
        root: the inversion's directory.
        kind: ``event`` or ``station``.
        name: the event, or ``NET.STA``.
        why: for the history.

    Returns:
        The iteration from which it is left out.

    Raises:
        InversionError: there is no such event, it is the last one, or no such station.
    """
    inversion = open_inversion(root)
    steering, coming = inversion.steering, _coming(inversion.paths)
    if kind == "event":
        if name not in inversion.events:
            raise InversionError(f"{inversion.paths.events}: event {name} does not take part")
        if len(inversion.events) == 1:
            raise InversionError(f"{inversion.paths.events}: {name} is the last event")
        steering = dataclasses.replace(steering, events=(*steering.events, name))
    else:
        if not any(inversion.paths.observed.glob(f"*/{name}.*")):
            raise InversionError(f"{inversion.paths.observed}: no seismogram of station {name}")
        steering = dataclasses.replace(steering, stations=(*steering.stations, name))
    _steer(inversion.paths, steering, f"drop {kind} {name}", why, iteration=coming)
    return coming


def branch(root: Path, iteration: int, target: Path, why: str = "") -> None:
    """Begins a second inversion beside this one, from a model of it.

    Settings, events and seismograms are copied; the optimiser begins anew, for a branch is there
    to be given another band, misfit or method.

    Args:
        root: the inversion's directory.
        iteration: the model's number.
        target: directory of the new inversion; must not be there.
        why: for the history.

    Raises:
        InversionError: there is no such model, or the directory is there.
    """
    paths, new = Paths(root), Paths(target)
    model = paths.model(iteration)
    if not model.is_file():
        raise InversionError(f"{model}: no such model to branch from")
    if target.exists():
        raise InversionError(f"{target}: is there already; name another directory")
    with FieldReader(model) as reader:
        content = reader.content
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    making = Paths(partial)
    making.iterations.mkdir(parents=True)
    making.models.mkdir()
    shutil.copyfile(paths.settings, making.settings)
    for place in (paths.events, paths.observed, paths.solver):
        shutil.copytree(place, making.root / place.name, copy_function=_link)
    shutil.copyfile(model, making.model(0))
    if paths.true_model.is_file():
        shutil.copyfile(paths.true_model, making.true_model)
    write_steering(
        making, Steering(events=read_steering(paths).events, stations=read_steering(paths).stations)
    )
    about = {"inversion": os.path.relpath(root, target), "iteration": iteration, "model": content}
    write_whole(making.parent, json.dumps(about, indent=1) + "\n")
    partial.rename(target)
    band = _band_at(paths, iteration)
    note_history(new.history, "branched", why, **about)
    note_history(paths.history, f"branch {target.name}", why, iteration=iteration)
    place = new.iteration(0)
    place.mkdir(parents=True)
    write_whole(new.request(0), request_text(band))


def first_request(root: Path) -> Request:
    """What the first iteration shall do."""
    return Request(0, open_inversion(root).settings.bands[0].name)


def outcome_of(paths: Paths, iteration: int) -> str:
    """How an iteration ended, as its results say; empty while there are none."""
    try:
        told = json.loads(paths.summary(iteration).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    return str(told.get("outcome", ""))


def _coming(paths: Paths) -> int:
    """The iteration that has not begun yet."""
    numbers = published(paths)
    if not numbers:
        return 0
    last = numbers[-1]
    try:
        told = json.loads(paths.summary(last).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return last + 1
    not_begun = told.get("outcome") == "paused" and told.get("misfit") is None
    return last if not_begun else last + 1


def _band_at(paths: Paths, iteration: int) -> Request:
    known = [number for number in published(paths) if number <= iteration]
    if not known:
        return first_request(paths.root)
    return dataclasses.replace(
        read_request(paths, known[-1]), iteration=0, redo="", restore=False, id=""
    )


def _again(paths: Paths, iteration: int, what: str, why: str, stage: str) -> None:
    numbers = published(paths)
    if iteration not in numbers:
        known = f"{numbers[0]} to {numbers[-1]}" if numbers else "none"
        raise InversionError(f"{paths.iterations}: no iteration {iteration}; there are {known}")
    request = dataclasses.replace(
        read_request(paths, iteration), redo=stage, restore=True, id=secrets.token_hex(8)
    )
    note_history(paths.history, what, why, iteration=iteration)
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


def _steer(paths: Paths, steering: Steering, what: str, why: str, **about: Any) -> Steering:
    note_history(paths.history, what, why, **about)
    write_steering(paths, steering)
    return steering


def _link(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:  # another disk, or no hard links
        shutil.copy2(source, target)
    return target
