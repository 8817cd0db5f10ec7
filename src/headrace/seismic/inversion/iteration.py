"""How an iteration begins: from the optimiser as the one before left it, or as it was asked to."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from headrace.files import write_whole
from headrace.seismic.inversion.errors import InversionError
from headrace.seismic.inversion.objectives import choose_objective
from headrace.seismic.inversion.paths import Paths, number_text
from headrace.seismic.inversion.project import Inversion
from headrace.seismic.inversion.steering import REDO_STAGES, Request
from headrace.seismic.optimiser import Optimiser


def begin_iteration(inversion: Inversion, request: Request) -> None:
    """Brings the optimiser to the start of an iteration; done again, it changes nothing.

    Args:
        inversion: settings and files.
        request: what the iteration shall do.

    Raises:
        InversionError: it is not this iteration's turn, or the start of it was not kept.
        OptimiserError: the settings of the optimiser were changed on the way.
    """
    paths, number = inversion.paths, request.iteration
    applied = _applied(paths, number)
    if (request.redo or request.restore) and applied != request.id:
        _restore(paths, number)
        if request.redo:
            remove_from(paths, number, request.redo)
        write_whole(paths.applied(number), json.dumps({"id": request.id}) + "\n")
    first = paths.model(0)
    if number == 0 or not paths.optimiser.is_dir():
        # An optimisation that is there already is opened; with other settings it is refused.
        paths.optimiser.mkdir(parents=True, exist_ok=True)
        Optimiser.create(paths.optimiser, first, inversion.settings.optimiser)
    optimiser = Optimiser(paths.optimiser)
    at = optimiser.state.iteration
    if at == number and not paths.start(number).is_dir():
        _keep_start(paths, number)
    # In a running line search misfits must stay comparable: what was changed waits.
    if at == number and optimiser.state.phase != "trial":
        band = inversion.steering.band_of(request)
        objective = choose_objective(inversion, band, number)
        optimiser.begin(objective.tag)
    elif at < number:
        raise InversionError(
            f"{paths.iteration(number)}: the optimiser is at iteration {at}; start that one first"
        )


def _applied(paths: Paths, number: int) -> str:
    try:
        return str(json.loads(paths.applied(number).read_text(encoding="utf-8"))["id"])
    except (OSError, ValueError, KeyError):
        return ""


def _keep_start(paths: Paths, number: int) -> None:
    """Keeps the optimiser as it is now; files that never change again are linked."""
    target = paths.start(number)
    temporary = target.with_name(f".{target.name}.partial")
    shutil.rmtree(temporary, ignore_errors=True)
    _link_tree(paths.optimiser, temporary / "optimiser")
    if paths.objectives.is_file():
        shutil.copyfile(paths.objectives, temporary / paths.objectives.name)
    temporary.rename(target)


def _restore(paths: Paths, number: int) -> None:
    start = paths.start(number)
    if not start.is_dir():
        raise InversionError(
            f"{start}: the start of iteration {number} was not kept; go back to a later one"
        )
    temporary = paths.optimiser.with_name(f".{paths.optimiser.name}.partial")
    shutil.rmtree(temporary, ignore_errors=True)
    _link_tree(start / "optimiser", temporary)
    shutil.rmtree(paths.optimiser, ignore_errors=True)
    temporary.rename(paths.optimiser)
    known = start / paths.objectives.name
    if known.is_file():
        write_whole(paths.objectives, known.read_text(encoding="utf-8"))
    else:
        paths.objectives.unlink(missing_ok=True)
    for later in sorted(paths.iterations.glob("[0-9]*")):
        if later.name > number_text(number):
            shutil.rmtree(later / "start", ignore_errors=True)


def remove_from(paths: Paths, number: int, stage: str) -> None:
    """Removes what a stage of an iteration, and those after it, have made.

    Args:
        paths: the inversion's files.
        number: the iteration.
        stage: ``forward``, ``windows``, ``adjoint`` or ``update``.
    """
    if stage not in REDO_STAGES:
        raise InversionError(f"{stage!r}: no stage to redo from: {', '.join(REDO_STAGES)}")
    level = REDO_STAGES.index(stage)
    own = number_text(number)
    for place in sorted(paths.evaluations.glob(f"{own}*")):
        files = paths.evaluation(place.name)
        shutil.rmtree(files.kernels, ignore_errors=True)
        if level <= REDO_STAGES.index("adjoint"):
            shutil.rmtree(files.adjoints, ignore_errors=True)
        if level <= REDO_STAGES.index("windows"):
            files.misfit.unlink(missing_ok=True)
            shutil.rmtree(place / "windows", ignore_errors=True)
        if level == 0:
            try:
                content = json.loads(files.record.read_text(encoding="utf-8"))["model"]
            except (OSError, ValueError, KeyError):
                continue
            shutil.rmtree(paths.simulations(content), ignore_errors=True)


def _link_tree(source: Path, target: Path) -> None:
    def link(one: str, other: str) -> str:
        try:
            os.link(one, other)
        except OSError:  # a file system without hard links
            shutil.copyfile(one, other)
        return other

    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, target, copy_function=link)
