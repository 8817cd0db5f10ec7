"""Begin of an iteration: from the optimiser as the one before left it, or as it was asked to."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from headrace._internal.atomic import directory_replacement
from headrace._internal.files import write_whole
from headrace.seismic.errors import ConfigError
from headrace.seismic.inversion.bands import BandIteration, require_band_iteration, start_of_band
from headrace.seismic.inversion.errors import InversionError
from headrace.seismic.inversion.objectives import choose_objective
from headrace.seismic.inversion.paths import Paths, number_text
from headrace.seismic.inversion.project import Inversion
from headrace.seismic.inversion.steering import REDO_STAGES, Request
from headrace.seismic.models import content_of
from headrace.seismic.optimisation import Optimiser


def begin_iteration(inversion: Inversion, request: Request) -> None:
    """Bring the optimiser to the start of an iteration; done again, it changes nothing.

    What was changed in the settings since the iteration before holds from here on. In a running
    line search misfits must stay comparable: there it waits for the next iteration.

    Args:
        inversion: settings and files.
        request: what the iteration shall do.

    Raises:
        InversionError: it is not this iteration's turn, or the start of it was not kept.
        OptimiserError: the current model is outside bounds that were changed.
    """
    paths, number = inversion.paths, request.iteration
    applied = _applied_request(paths, number)
    if (request.redo or request.restore) and applied != request.id:
        _restore(inversion, number)
        if request.redo:
            remove_stage_outputs(paths, number, request.redo)
        write_whole(paths.applied(number), json.dumps({"id": request.id}) + "\n")
    if number == 0 or not paths.optimiser.is_dir():
        _create(inversion)
    optimiser = Optimiser(paths.optimiser)
    at = optimiser.state.iteration
    if at == number and not paths.start(number).is_dir():
        _keep_start(paths, number)
    if at == number and optimiser.state.phase != "trial":
        _start_objective(inversion, request, optimiser)
    elif at < number:
        raise InversionError(
            f"{paths.iteration(number)}: the optimiser is at iteration {at}; start that one first"
        )


def band_iteration_of(inversion: Inversion, request: Request) -> tuple[BandIteration, str]:
    """Return the band that an iteration has, or is going to have when it begins.

    Args:
        inversion: settings, steering and files.
        request: what the iteration shall do.

    Returns:
        Its turn, and which band that a person asked for is acted on by now.

    Raises:
        ConfigError: a person asked for a band that is not there.
        InversionError: its band, and all after it, are gone.
    """
    settings, steering, number = inversion.settings, inversion.steering, request.iteration
    start = read_iteration_start(inversion.paths, number)
    band_iteration, steered = request.band_iteration, request.steered
    if start is not None:
        band_iteration, steered = start.band_iteration, start.steered
    begins = start is None or inversion.is_over(number)
    if begins and steering.changes_band(number, steered):
        try:
            return start_of_band(settings, steering.band), steering.band_id
        except ConfigError as error:
            raise ConfigError(
                f"{error}; band {steering.band} was asked for: `headrace inversion set-band NAME` "
                "asks for another"
            ) from None
    return require_band_iteration(settings, band_iteration, number), steered


@dataclass(frozen=True)
class IterationStart:
    """State that an iteration started with.

    Attributes:
        band_iteration: its place among the bands.
        steered: the band that a person asked for last and this or an earlier iteration has had.
        processing: hash of what its gradients are made with.
    """

    band_iteration: BandIteration
    steered: str
    processing: str


def read_iteration_start(paths: Paths, number: int) -> IterationStart | None:
    """Return what an iteration started with; None if it has not started."""
    try:
        document = json.loads(paths.start_record(number).read_text(encoding="utf-8"))
        band_iteration = document["turn"] | {"periods": tuple(document["turn"]["periods"])}
        return IterationStart(
            BandIteration(**band_iteration), str(document["steered"]), str(document["processing"])
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def find_start(staging: Paths, request: Request) -> IterationStart | None:
    """Return what an iteration started with, by what it was asked to do last.

    Args:
        staging: files of where it is computed.
        request: what it shall do.

    Returns:
        None if it has not started, or is to start anew.
    """
    number = request.iteration
    anew = request.redo or request.restore
    if anew and _applied_request(staging, number) != request.id:
        return None
    return read_iteration_start(staging, number)


def band_seen(inversion: Inversion, request: Request, staging: Path | None) -> tuple[str, str]:
    """Return the band of an iteration that has not ended, as far as it can be seen from home.

    Args:
        inversion: the home's settings, steering and files.
        request: what it shall do.
        staging: where it is computed; None if that cannot be seen: then a band that was asked for
            meanwhile is not taken to be its own.

    Returns:
        Its band, or the one that it is going to have; and the id of the band that a person asked
        for last and that it, or one before it, has had.
    """
    if staging is None:
        return request.band, request.steered
    start, steering = find_start(Paths(staging), request), inversion.steering
    if start is not None:
        return start.band_iteration.band, start.steered
    if steering.changes_band(request.iteration, request.steered):
        return steering.band, request.steered
    return request.band, request.steered


def _start_objective(inversion: Inversion, request: Request, optimiser: Optimiser) -> None:
    paths, number = inversion.paths, request.iteration
    band_iteration, steered = band_iteration_of(inversion, request)
    before = read_iteration_start(paths, number) or read_iteration_start(paths, number - 1)
    processing = _processing_hash(inversion)
    objective = choose_objective(inversion, band_iteration.band, number)
    optimiser.begin_objective(objective.tag)
    settings = inversion.settings.optimiser
    changed = before is not None and before.processing != processing
    if settings != optimiser.state.settings or changed:
        optimiser.restart(settings)
    about = {"turn": asdict(band_iteration), "steered": steered, "processing": processing}
    write_whole(paths.start_record(number), json.dumps(about, indent=1) + "\n")


def _processing_hash(inversion: Inversion) -> str:
    """Hash of all that makes a gradient of kernels; gradients made otherwise do not compare."""
    settings = inversion.settings
    document = repr(
        (
            (settings.smoothing, settings.tapers, settings.source_mute, settings.station_mute),
            (settings.water_level, settings.clip, settings.parameters),
        )
    )
    return hashlib.sha256(document.encode()).hexdigest()[:16]


def _create(inversion: Inversion) -> None:
    """Return the optimiser with the first model.

    Anew if that was changed before anything came of it.
    """
    paths, first = inversion.paths, inversion.paths.model(0)
    state = inversion.optimiser_state()
    if state is not None:
        if content_of(first) == content_of(paths.optimiser / "models" / "000.h5"):
            return
        if state.iteration > 0:
            raise InversionError(
                f"{first}: was changed after iteration 0, which gave model "
                f"{number_text(state.iteration)}; `headrace inversion back-to 0` begins with it"
            )
        shutil.rmtree(paths.start(0), ignore_errors=True)
        paths.start_record(0).unlink(missing_ok=True)
        paths.objectives.unlink(missing_ok=True)
        shutil.rmtree(paths.optimiser)
    paths.optimiser.mkdir(parents=True, exist_ok=True)
    Optimiser.create(paths.optimiser, first, inversion.settings.optimiser)


def _applied_request(paths: Paths, number: int) -> str:
    try:
        return str(json.loads(paths.applied(number).read_text(encoding="utf-8"))["id"])
    except (OSError, ValueError, KeyError):
        return ""


def _keep_start(paths: Paths, number: int) -> None:
    """Keep the optimiser as it is now; files that never change again are linked."""
    target = paths.start(number)
    with directory_replacement(target) as temporary:
        _link_tree(paths.optimiser, temporary / "optimiser")
        if paths.objectives.is_file():
            shutil.copyfile(paths.objectives, temporary / paths.objectives.name)


def _restore(inversion: Inversion, number: int) -> None:
    paths = inversion.paths
    start = paths.start(number)
    if not start.is_dir():
        if _is_unstarted(inversion, number):
            return
        raise InversionError(
            f"{start}: the start of iteration {number} was not kept; go back to a later one"
        )
    for place in paths.iterations.glob("[0-9]*"):
        if place.name.isdigit() and int(place.name) >= number:
            paths.start_record(int(place.name)).unlink(missing_ok=True)
    with directory_replacement(paths.optimiser) as temporary:
        _link_tree(start / "optimiser", temporary)
    known = start / paths.objectives.name
    if known.is_file():
        write_whole(paths.objectives, known.read_text(encoding="utf-8"))
    else:
        paths.objectives.unlink(missing_ok=True)
    for later in sorted(paths.iterations.glob("[0-9]*")):
        if later.name > number_text(number):
            shutil.rmtree(later / "start", ignore_errors=True)


def _is_unstarted(inversion: Inversion, number: int) -> bool:
    """Return whether the optimiser is where an iteration begins, with nothing done in it."""
    state = inversion.optimiser_state()
    at = 0 if state is None else state.iteration
    return at == number and read_iteration_start(inversion.paths, number) is None


def remove_stage_outputs(paths: Paths, number: int, stage: str) -> None:
    """Remove what a stage of an iteration, and those after it, have made.

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
            files.refusal.unlink(missing_ok=True)
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

    shutil.copytree(source, target, copy_function=link, dirs_exist_ok=True)
