"""A second inversion from a model of the first."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from pathlib import Path

from headrace._internal.files import write_whole
from headrace.seismic.inversion.commands import first_request
from headrace.seismic.inversion.continuation import repeated_request
from headrace.seismic.inversion.errors import InversionError
from headrace.seismic.inversion.paths import Paths
from headrace.seismic.inversion.project import Inversion, open_inversion
from headrace.seismic.inversion.published import published_iterations
from headrace.seismic.inversion.records import append_history
from headrace.seismic.inversion.steering import (
    Request,
    Steering,
    read_steering,
    request_text,
    write_steering,
)
from headrace.seismic.models import content_of


def branch(root: Path, iteration: int, target: Path, why: str = "") -> None:
    """Begin a second inversion beside this one, from a model of it.

    Settings, events and seismograms are copied; the optimiser begins anew, for a branch is there
    to be given another band, misfit or method.

    Args:
        root: the inversion's directory.
        iteration: the model's number.
        target: directory of the new inversion; must not be there.
        why: for the history.

    Raises:
        InversionError: there is no such model, or the directory is there.
        ConfigError: the settings cannot be used.
    """
    paths = Paths(root)
    model = paths.model(iteration)
    if not model.is_file():
        raise InversionError(f"{model}: no such model to branch from")
    if target.exists():
        raise InversionError(f"{target}: is there already; name another directory")
    request = _request_at(open_inversion(root), iteration)
    content = content_of(model)
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
    append_history(making.history, "branched", why, **about)
    making.iteration(0).mkdir()
    write_whole(making.request(0), request_text(request))
    # What is there is whole: nobody is left with half a branch that is there already.
    partial.rename(target)
    append_history(paths.history, f"branch {target.name}", why, iteration=iteration)


def _request_at(inversion: Inversion, iteration: int) -> Request:
    known = [number for number in published_iterations(inversion.paths) if number <= iteration]
    if not known:
        return first_request(inversion.paths.root)
    request = repeated_request(inversion, known[-1])
    return dataclasses.replace(request, iteration=0, steered="", redo="", restore=False, id="")


def _link(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:  # another disk, or no hard links
        shutil.copy2(source, target)
    return target
