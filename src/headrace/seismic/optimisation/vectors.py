"""Arithmetic with vectors that stay on disk: one slab in memory, sums in float64, fixed order.

A vector is a file of fields with the model's grid. Sums run slab by slab in the order of the
fields and do not depend on threads, so that the same work gives the same bits.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from headrace.seismic.errors import OptimiserError
from headrace.seismic.models import FieldReader, FieldWriter, Layout, Provenance, Slab, Values
from headrace.seismic.optimisation.directions import Combination
from headrace.seismic.optimisation.settings import Settings

_PROVENANCE = Provenance("optimiser")


@dataclass(frozen=True)
class DirectionFacts:
    """Facts of a direction that the optimiser must know.

    Attributes:
        slope: gradient . direction.
        gradient_norm: length of the gradient.
        norm: length of the direction.
        largest: largest component: of the logarithm, or relative to the field's largest value.
    """

    slope: float
    gradient_norm: float
    norm: float
    largest: float


def blocks(paths: Sequence[Path]) -> Iterator[tuple[str, Slab, list[Values]]]:
    """Yield the slabs of several files side by side.

    Args:
        paths: files of fields on one grid.

    Yields:
        Field, rows, and the numbers of each file.

    Raises:
        OptimiserError: the files are not on one grid.
    """
    with contextlib.ExitStack() as stack:
        readers = [stack.enter_context(FieldReader(path)) for path in paths]
        layout = readers[0].layout
        for reader in readers[1:]:
            if not reader.layout.same_grid(layout):
                raise OptimiserError(f"{reader.path}: not on the grid of {readers[0].path}")
        for name in layout.names:
            for slab in layout.slabs():
                yield name, slab, [reader.rows(name, slab.rows) for reader in readers]


def layout_of(path: Path) -> Layout:
    """Return the layout of a file of fields."""
    with FieldReader(path) as reader:
        return reader.layout


def copy_vector(source: Path, target: Path, layout: Layout) -> str:
    """Copy a gradient into the optimiser's keeping.

    Args:
        source: the file as it was reported.
        target: the copy.
        layout: the model's.

    Returns:
        The content hash of the copy.

    Raises:
        OptimiserError: it is not on the model's grid.
        ModelError: it is not there, torn or not finite.
    """
    with FieldReader(source) as reader:
        _check_grid(reader, layout)
        with FieldWriter(target, layout, "vector", _PROVENANCE) as writer:
            for name, _, block in reader.blocks():
                writer.append(name, block)
    return writer.content


def _check_grid(reader: FieldReader, layout: Layout) -> None:
    if reader.layout.shape != layout.shape or reader.layout.names != layout.names:
        raise OptimiserError(
            f"{reader.path}: {', '.join(reader.layout.names)} on {reader.layout.shape}; the model "
            f"is {', '.join(layout.names)} on {layout.shape}"
        )


def inner(pairs: Sequence[tuple[Path, Path]]) -> list[float]:
    """Inner products, all in one pass over the files.

    Args:
        pairs: the vectors of each product.

    Returns:
        One number per pair.
    """
    paths = list(dict.fromkeys(path for pair in pairs for path in pair))
    places = [(paths.index(left), paths.index(right)) for left, right in pairs]
    found = [0.0] * len(pairs)
    if paths:
        for _, _, parts in blocks(paths):
            for index, (left, right) in enumerate(places):
                found[index] += float(np.sum(parts[left] * parts[right]))
    return found


def write_pair(
    models: tuple[Path, Path],
    gradients: tuple[Path, Path],
    targets: tuple[Path, Path],
    settings: Settings,
) -> None:
    """Write the steps of model and gradient of an iteration.

    Args:
        models: model before and after.
        gradients: gradient before and after.
        targets: files for s (change of the parametrised model) and y (of the gradient).
        settings: parametrisation.
    """
    layout = layout_of(models[0])
    log = settings.parametrisation == "log"
    with (
        FieldWriter(targets[0], layout, "vector", _PROVENANCE) as s,
        FieldWriter(targets[1], layout, "vector", _PROVENANCE) as y,
    ):
        for name, _, (old, new, before, after) in blocks([*models, *gradients]):
            s.append(name, np.log(new / old) if log else new - old)
            y.append(name, after - before)


def write_difference(before: Path, after: Path, target: Path) -> None:
    """Write ``after - before``."""
    with FieldWriter(target, layout_of(after), "vector", _PROVENANCE) as writer:
        for name, _, (old, new) in blocks([before, after]):
            writer.append(name, new - old)


def write_free(model: Path, gradient: Path, vector: Path, target: Path, settings: Settings) -> None:
    """Write a vector without the points that are held by a bound.

    Args:
        model: the model.
        gradient: its gradient.
        vector: the vector to cut.
        target: the file to write.
        settings: bounds.
    """
    with FieldWriter(target, layout_of(model), "vector", _PROVENANCE) as writer:
        for name, _, (value, slope, part) in blocks([model, gradient, vector]):
            writer.append(name, np.where(_held(name, value, slope, settings), 0.0, part))


def count_held(model: Path, gradient: Path, settings: Settings) -> int:
    """Return number of points that a bound holds: those on it that would go beyond."""
    if not settings.bounds:
        return 0
    return sum(
        int(_held(name, value, slope, settings).sum())
        for name, _, (value, slope) in blocks([model, gradient])
    )


def _held(name: str, value: Values, slope: Values, settings: Settings) -> np.ndarray:
    low, high = settings.bound(name)
    # float32 keeps a bound to about 1e-7 of its value.
    on_low = value <= low + 1e-6 * abs(low) if np.isfinite(low) else np.zeros(value.shape, bool)
    on_high = value >= high - 1e-6 * abs(high) if np.isfinite(high) else np.zeros(value.shape, bool)
    held: np.ndarray = (on_low & (slope > 0.0)) | (on_high & (slope < 0.0))
    return held


@dataclass(frozen=True)
class Parts:
    """The files of which a direction is made.

    Attributes:
        model: the model.
        gradient: its gradient, as reported.
        preconditioned: what the preconditioner makes of the gradient (the gradient if none).
        s: steps of the model, oldest first.
        py: steps of the preconditioned gradient, oldest first.
        previous: the direction before, or None.
    """

    model: Path
    gradient: Path
    preconditioned: Path
    s: tuple[Path, ...]
    py: tuple[Path, ...]
    previous: Path | None


def write_direction(
    combination: Combination, parts: Parts, target: Path, settings: Settings
) -> DirectionFacts:
    """Write a direction and measure it on the way.

    Args:
        combination: factors of the parts; parts with a factor of 0 are not read.
        parts: the files.
        target: the file to write.
        settings: bounds and parametrisation; points held by a bound stay where they are.

    Returns:
        Slope, lengths and largest component.
    """
    terms = [(combination.gradient, parts.preconditioned)]
    terms += zip(combination.s, parts.s, strict=True)
    terms += zip(combination.py, parts.py, strict=True)
    if parts.previous is not None:
        terms.append((combination.previous, parts.previous))
    terms = [(factor, path) for factor, path in terms if factor != 0.0]
    slope = gradient_square = square = 0.0
    largest: dict[str, float] = {}
    values: dict[str, float] = {}
    paths = [parts.model, parts.gradient, *(path for _, path in terms)]
    with FieldWriter(target, layout_of(parts.model), "vector", _PROVENANCE) as writer:
        for name, _, (value, gradient, *others) in blocks(paths):
            direction = np.zeros(value.shape)
            for (factor, _), other in zip(terms, others, strict=True):
                other *= factor
                direction += other
            direction[_held(name, value, gradient, settings)] = 0.0
            writer.append(name, direction)
            direction = direction.astype(writer.layout.dtype).astype(np.float64)
            with np.errstate(over="ignore"):  # whoever asked looks at the sums
                slope += float(np.sum(gradient * direction))
                gradient_square += float(np.sum(np.square(gradient)))
                square += float(np.sum(np.square(direction)))
            largest[name] = max(largest.get(name, 0.0), float(np.abs(direction).max()))
            values[name] = max(values.get(name, 0.0), float(np.abs(value).max()))
    return DirectionFacts(
        slope=slope,
        gradient_norm=gradient_square**0.5,
        norm=square**0.5,
        largest=_relative(largest, values, settings),
    )


def _relative(
    largest: Mapping[str, float], values: Mapping[str, float], settings: Settings
) -> float:
    if settings.parametrisation == "log":
        return max(largest.values())
    return max(found / (values[name] or 1.0) for name, found in largest.items())


def write_trial(
    model: Path,
    gradient: Path,
    direction: Path,
    step: float,
    target: Path,
    settings: Settings,
    provenance: Provenance,
) -> float:
    """Write a trial model.

    Args:
        model: the model at the foot of the search.
        gradient: its gradient.
        direction: the direction.
        step: the step length.
        target: the file to write.
        settings: bounds and parametrisation.
        provenance: where the trial comes from.

    Returns:
        The change of the misfit that the gradient predicts.

    Raises:
        ModelNotFinite: a value is not finite: the step is far too long.
        ModelError: a file cannot be read or written.
    """
    log = settings.parametrisation == "log"
    predicted = 0.0
    with FieldWriter(target, layout_of(model), "model", provenance) as writer:
        for name, _, (value, slope, along) in blocks([model, gradient, direction]):
            along *= step
            with np.errstate(over="ignore", invalid="ignore"):
                moved = value * np.exp(along) if log else value + along
            low, high = settings.bound(name)
            moved = np.clip(moved, low, high)
            with np.errstate(all="ignore"):
                change = np.log(moved / value) if log else moved - value
            predicted += float(np.sum(slope * change))
            writer.append(name, moved)
    return predicted


def check_model(path: Path, settings: Settings) -> None:
    """Check that a model can be the start.

    Args:
        path: the model.
        settings: bounds and parametrisation.

    Raises:
        OptimiserError: a value is outside its bounds or has no logarithm, or a bound is for a
            field that is not there.
    """
    names = layout_of(path).names
    for name in settings.bounds:
        if name not in names:
            raise OptimiserError(
                f"{path}: no field {name}, for which there are bounds; it has {', '.join(names)}"
            )
    for name, _, (value,) in blocks([path]):
        low, high = settings.bound(name)
        smallest, largest = float(value.min()), float(value.max())
        if settings.parametrisation == "log" and smallest <= 0.0:
            raise OptimiserError(
                f"{path}: {name} goes down to {smallest:g} and has no logarithm; "
                "use parametrisation linear"
            )
        tolerance = 1e-6 * max(abs(smallest), abs(largest))
        if smallest < low - tolerance or largest > high + tolerance:
            raise OptimiserError(
                f"{path}: {name} is {smallest:g} to {largest:g}, outside its bounds {low:g} to "
                f"{high:g}"
            )
