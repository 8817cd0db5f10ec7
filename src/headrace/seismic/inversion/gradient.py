"""Gradient for the optimiser, from the events' kernels."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path

from headrace._internal.files import write_whole
from headrace.seismic.inversion.evaluations import MisfitEvaluation
from headrace.seismic.inversion.project import Inversion
from headrace.seismic.inversion.settings_file import Mute as MuteSettings
from headrace.seismic.kernels import (
    KernelProcessing,
    Mask,
    Mute,
    gradient_of,
    process_kernel,
    sum_kernels,
)
from headrace.seismic.models import FieldReader, FieldWriter, Provenance
from headrace.seismic.solvers import HESSIAN, KERNELS, read_event


def make_gradient(work: MisfitEvaluation, source: MisfitEvaluation) -> tuple[Path, Path]:
    """Sum, masks, preconditions, smooths and clips the kernels of all events.

    Args:
        work: the evaluation whose kernels are there.
        source: the one whose adjoint sources they were made from.

    Returns:
        The gradient, and the gradient after processing.

    Raises:
        ModelError: a kernel cannot be used.
    """
    files, inversion = work.files, work.inversion
    gradient, processed = files.kernel("gradient"), files.kernel("preconditioned")
    processing = processing_of(inversion, work.objective.events)
    settings = inversion.settings
    inputs = [
        work.adjoint_keys(source),
        repr(processing),
        dict(work.objective.weights),
        list(settings.parameters),
        settings.optimiser.parametrisation,
    ]
    key = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
    done = files.kernels / "done.json"
    if done.is_file() and done.read_text(encoding="utf-8").strip() == key:
        return gradient, processed
    shutil.rmtree(files.kernels, ignore_errors=True)
    files.kernels.mkdir(parents=True)
    hessian = None
    if settings.water_level is not None:
        hessian = _sum(work, HESSIAN, "hessian")
    kernel = _sum(work, KERNELS, "sum")
    process_kernel(kernel, files.kernel("processed"), processing, hessian=hessian)
    kind = settings.optimiser.parametrisation
    for name, target in (("sum", gradient), ("processed", processed)):
        gradient_of(files.kernel(name), target, parametrisation=kind, model=work.model)
    write_whole(done, key + "\n")
    return gradient, processed


def processing_of(inversion: Inversion, events: tuple[str, ...]) -> KernelProcessing:
    """Return what is done to the summed kernel.

    Args:
        inversion: its settings.
        events: events whose sources and stations are muted.
    """
    settings = inversion.settings
    masks: list[Mask] = list(settings.tapers)
    if settings.source_mute or settings.station_mute:
        known = [read_event(inversion.paths.event(name)) for name in events]
        sources = sorted({(one.source.z, one.source.x) for one in known})
        stations = sorted({(at.z, at.x) for one in known for at in one.receivers})
        masks += _mutes(settings.source_mute, sources) + _mutes(settings.station_mute, stations)
    return KernelProcessing(
        masks=tuple(masks),
        water_level=settings.water_level,
        smoothing=settings.smoothing,
        clip_quantile=settings.clip,
    )


def _mutes(about: MuteSettings | None, points: list[tuple[float, float]]) -> list[Mask]:
    if about is None:
        return []
    return [Mute(("z", "x"), tuple(points), about.radius, about.width, about.units)]


def _sum(work: MisfitEvaluation, file: str, name: str) -> Path:
    files, objective = work.files, work.objective
    everything = files.kernel(f"all_{name}")
    sum_kernels(
        {event: files.adjoint(event) / file for event in objective.events},
        everything,
        weights={event: weight for event, weight in objective.weights.items() if weight != 1.0},
        expected=len(objective.events),
    )
    target = files.kernel(name)
    _choose(everything, target, work, neutral=1.0 if name == "hessian" else 0.0)
    everything.unlink()
    return target


def _choose(source: Path, target: Path, work: MisfitEvaluation, neutral: float) -> None:
    """On the model's fields; those that are not changed get a neutral value."""
    with FieldReader(work.model) as model, FieldReader(source) as reader:
        layout = dataclasses.replace(
            reader.layout.with_fields(model.layout.fields, "float64"),
        )
        chosen = work.inversion.settings.parameters
        provenance = Provenance("chosen", (reader.parent,), {"parameters": list(chosen)})
        with FieldWriter(target, layout, "kernel", provenance) as writer:
            for name in layout.names:
                for slab in layout.slabs():
                    if name in chosen:
                        block = reader.rows(name, slab.rows)
                    else:
                        shape = (slab.end - slab.first, *layout.shape[1:])
                        block = reader.rows(reader.layout.names[0], slab.rows) * 0.0 + neutral
                        block = block.reshape(shape)
                    writer.append(name, block)
