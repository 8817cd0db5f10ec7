"""The misfit functions that an inversion goes through: band, windows, events, stations.

Whenever one of these changes, the misfits of before cannot be compared any more and the gradients
of before belong to another function: the optimiser begins anew from the current model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from headrace._internal.atomic import directory_replacement
from headrace._internal.files import write_whole
from headrace.seismic.inversion.errors import InversionError
from headrace.seismic.inversion.paths import Paths, number_text
from headrace.seismic.inversion.project import Inversion
from headrace.seismic.inversion.toml_text import toml_text


@dataclass(frozen=True)
class Objective:
    """One misfit function.

    Attributes:
        tag: its name, which becomes part of the names of evaluations.
        band: name of the band.
        periods: shortest and longest period, s.
        events: events that take part.
        excluded_stations: stations that do not.
        weights: event -> factor.
        waveforms: settings of the waveform program.
        first_iteration: where it came into force.
        solver: name and settings of the solver; None if that was not kept.
    """

    tag: str
    band: str
    periods: tuple[float, float]
    events: tuple[str, ...]
    excluded_stations: tuple[str, ...]
    weights: Mapping[str, float]
    waveforms: Mapping[str, Any]
    first_iteration: int
    solver: Mapping[str, Any] | None = None

    @property
    def reference(self) -> str:
        """The evaluation that windows are selected in; all others measure in the same."""
        return f"{number_text(self.first_iteration)}_{self.tag}"

    def same_function(self, other: Objective) -> bool:
        """Return whether misfits of the two can be compared."""
        same: dict[str, Any] = {"tag": "", "first_iteration": 0}
        if self.solver is None or other.solver is None:
            same["solver"] = None
        return replace(self, **same) == replace(other, **same)


def read_objectives(paths: Paths) -> list[Objective]:
    """Read the objectives so far, in their order.

    Raises:
        InversionError: the file cannot be used.
    """
    path = paths.objectives
    if not path.is_file():
        return []
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return [
            Objective(
                **row
                | {name: tuple(row[name]) for name in ("periods", "events", "excluded_stations")}
            )
            for row in rows
        ]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InversionError(f"{path}: cannot be read: {error}") from None


def current_objective(inversion: Inversion, tag: str) -> Objective:
    """Return the objective of that tag.

    Raises:
        InversionError: there is none.
    """
    for objective in read_objectives(inversion.paths):
        if objective.tag == tag:
            return objective
    raise InversionError(f"{inversion.paths.objectives}: no objective {tag!r}")


def choose_objective(inversion: Inversion, band: str, iteration: int) -> Objective:
    """Return the objective that an iteration has; a new one where something has changed.

    Args:
        inversion: settings and steering.
        band: name of the iteration's band.
        iteration: its number.

    Returns:
        The objective; it and its settings of the waveform program are on disk.

    Raises:
        ConfigError: there is no such band.
    """
    known = read_objectives(inversion.paths)
    settings = inversion.settings
    found = settings.band(band)
    wanted = Objective(
        tag="",
        band=band,
        periods=found.periods,
        events=inversion.events,
        excluded_stations=inversion.excluded_stations,
        weights={name: settings.event_weights.get(name, 1.0) for name in inversion.events},
        waveforms=_plain(settings.waveforms),
        first_iteration=iteration,
        solver=_plain({"name": settings.solver, "settings": settings.solver_settings}),
    )
    # A band with another name is no other function.
    renamed = bool(known) and all(one.name != known[-1].band for one in settings.bands)
    before = replace(known[-1], band=band) if renamed else (known[-1] if known else None)
    if before is not None and before.same_function(wanted):
        age = iteration - known[-1].first_iteration
        if not settings.renew_windows or age % settings.renew_windows or not age:
            return known[-1]
    chosen = replace(wanted, tag=_new_tag(band, {objective.tag for objective in known}))
    path = inversion.paths.waveform_settings(chosen.tag)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, waveform_settings_text(settings.waveforms, found.periods))
    rows = [asdict(objective) for objective in (*known, chosen)]
    write_whole(inversion.paths.objectives, json.dumps(rows, indent=1) + "\n")
    return chosen


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """As they are when they were written and read again."""
    found: dict[str, Any] = json.loads(json.dumps(values, default=str))
    return found


def _new_tag(band: str, known: set[str]) -> str:
    """Return the band's name, with a number where it was used already."""
    tag, count = band, 1
    while tag in known:
        count += 1
        tag = f"{band}_{count}"
    return tag


def waveform_settings_text(waveforms: Mapping[str, Any], periods: tuple[float, float]) -> str:
    """Return settings of the waveform program as TOML."""
    return toml_text({"period_band": list(periods), **waveforms})


def observed_of(paths: Paths, objective: Objective, event: str) -> Path:
    """Directory of the observed seismograms of an event, without the stations left out.

    Args:
        paths: the inversion's files.
        objective: which stations are left out.
        event: the event.

    Returns:
        The directory; links to the files where stations are left out.
    """
    source = paths.observed_event(event)
    if not objective.excluded_stations:
        return source
    target = paths.selected_observed(objective.tag, event)
    if not target.is_dir():
        with directory_replacement(target) as temporary:
            for path in sorted(source.iterdir()):
                if ".".join(path.name.split(".")[:2]) not in objective.excluded_stations:
                    (temporary / path.name).symlink_to(path)
    return target
