"""Settings of an inversion: ``inversion.toml``, checked key by key."""

from __future__ import annotations

import functools
import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headrace.seismic.config_file import parse_config
from headrace.seismic.errors import ConfigError, ModelError, OptimiserError
from headrace.seismic.inversion.errors import Problems
from headrace.seismic.inversion.resources import Resources, read_resources
from headrace.seismic.inversion.toml_tables import Table
from headrace.seismic.kernels import Smoothing, Taper
from headrace.seismic.misfits import find_misfit
from headrace.seismic.optimisation import Settings as OptimiserSettings
from headrace.seismic.solvers import solver_names

# It becomes part of the names of files and batch jobs.
_LONGEST_NAME = 60
_NAME = re.compile(rf"[a-z0-9][a-z0-9_-]{{0,{_LONGEST_NAME - 1}}}")
_TOP = (
    *("title", "events", "stations", "bands", "misfit", "windows", "solver", "parameters"),
    *("smoothing", "tapers", "mutes", "preconditioner", "clip", "optimiser", "limits"),
    "resources",
)

Bound = tuple[float | None, float | None]
"""Lowest and highest value of a field; None where there is none."""


@dataclass(frozen=True)
class Band:
    """A band of periods, worked on for some iterations.

    Attributes:
        name: its name; becomes part of names of files.
        periods: shortest and longest period, s.
        iterations: at most so many.
        stop_below: the band is over as soon as an iteration lowers the misfit by less than this
            share of it; None: never.
    """

    name: str
    periods: tuple[float, float]
    iterations: int
    stop_below: float | None = None


@dataclass(frozen=True)
class Mute:
    """Mute of the kernel: it is zero about sources or stations.

    Attributes:
        radius: within which it is zero.
        width: over which it rises.
        units: of both.
    """

    radius: float
    width: float
    units: str


@dataclass(frozen=True)
class Limits:
    """Limits beyond which the inversion stops rather than goes on.

    Attributes:
        problem_traces: traces of an evaluation that may be unusable.
        free_disk: GB that must stay free where it is computed.
        core_hours: core hours that the inversion may take in all; None: no limit.
    """

    problem_traces: int = 0
    free_disk: float = 1.0
    core_hours: float | None = None


@dataclass(frozen=True)
class InversionSettings:
    """All settings of an inversion.

    Attributes:
        title: for people.
        events: how many events there must be.
        excluded_events: events that are left out.
        event_weights: event -> factor of its misfit; 1 for those not named.
        excluded_stations: ``NET.STA`` that are left out.
        bands: one after the other.
        waveforms: keys of the waveform program's settings, but for the band.
        renew_windows: iterations after which windows are selected anew; 0: with a new band only.
        solver: name of the solver.
        solver_settings: the solver's own.
        parameters: fields of the model that are changed.
        bounds: field -> (lowest, highest); None where there is none.
        smoothing: of the kernel.
        tapers: of the kernel.
        source_mute: of the kernel about sources.
        station_mute: of the kernel about stations.
        water_level: of the preconditioner; None: none.
        clip: share of the points that clipping leaves as they are; None: no clipping.
        optimiser: settings of the optimiser.
        limits: when to stop.
        resources: what each stage asks for: ``forward``, ``adjoint``, ``windows``, ``stage``.
    """

    title: str
    events: int
    excluded_events: tuple[str, ...]
    event_weights: Mapping[str, float]
    excluded_stations: tuple[str, ...]
    bands: tuple[Band, ...]
    waveforms: Mapping[str, Any]
    renew_windows: int
    solver: str
    solver_settings: Mapping[str, Any]
    parameters: tuple[str, ...]
    bounds: Mapping[str, Bound]
    smoothing: tuple[Smoothing, ...]
    tapers: tuple[Taper, ...]
    source_mute: Mute | None
    station_mute: Mute | None
    water_level: float | None
    clip: float | None
    optimiser: OptimiserSettings
    limits: Limits
    resources: Mapping[str, Resources] = field(default_factory=dict)

    def band(self, name: str) -> Band:
        """Return the band of that name.

        Raises:
            ConfigError: there is none.
        """
        for band in self.bands:
            if band.name == name:
                return band
        known = ", ".join(band.name for band in self.bands)
        raise ConfigError(f"inversion.toml: no band {name}; there are {known}")

    @property
    def iterations(self) -> int:
        """Iterations of all bands together, at most."""
        return sum(band.iterations for band in self.bands)

    @property
    def components(self) -> tuple[str, ...]:
        """Components that are measured."""
        return tuple(self.waveforms["components"])


def read_settings(path: Path) -> InversionSettings:
    """Read ``inversion.toml``.

    Args:
        path: the file.

    Returns:
        The settings.

    Raises:
        ConfigError: a key is unknown, missing or wrong; one line that names it.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    return parse_settings(document, str(path))


def parse_settings(document: Mapping[str, Any], source: str) -> InversionSettings:
    """Check settings that were read already.

    Args:
        document: the keys as in the file.
        source: what messages call the file.

    Returns:
        The settings.

    Raises:
        ConfigError: as `read_settings`.
    """
    wrong = Problems()
    known = {key: value for key, value in document.items() if key in _TOP}
    wrong.collect(lambda: Table(document, source, "", _TOP), None)
    top = Table(known, source, "", _TOP)

    def table(name: str, *keys: str) -> Table:
        return wrong.collect(lambda: top.table(name, keys), Table({}, source, f"{name}.", keys))

    events = table("events", "expected", "exclude", "weights")
    stations = table("stations", "exclude")
    solver = table("solver", "name", "settings")
    limits = table("limits", "problem_traces", "free_disk", "core_hours")
    windows = table("windows", "renew")
    preconditioner = table("preconditioner", "water_level")
    no_mute: dict[str, Table] = {}
    mutes = wrong.collect(lambda: _mutes(top), no_mute)
    none: tuple[tuple[str, ...], dict[str, Bound]] = ((), {})
    parameters, bounds = wrong.collect(lambda: _parameters(top), none)
    no_band: tuple[Band, ...] = ()
    bands = wrong.collect(lambda: _bands(top), no_band)
    settings = InversionSettings(
        title=wrong.collect(lambda: top.text("title", "inversion"), ""),
        events=wrong.collect(lambda: events.integer("expected", minimum=1), 1),
        excluded_events=wrong.collect(lambda: events.texts("exclude", ()), ()),
        event_weights=wrong.collect(lambda: _weights(events), {}),
        excluded_stations=wrong.collect(lambda: stations.texts("exclude", ()), ()),
        bands=bands,
        waveforms=wrong.collect(lambda: _waveforms(top, bands, source), {}),
        renew_windows=wrong.collect(lambda: windows.integer("renew", 0), 0),
        solver=wrong.collect(lambda: _solver(solver), ""),
        solver_settings=wrong.collect(lambda: solver.raw("settings"), {}),
        parameters=parameters,
        bounds=bounds,
        smoothing=wrong.collect(lambda: _smoothing(top), ()),
        tapers=wrong.collect(lambda: _tapers(top), ()),
        source_mute=wrong.collect(lambda: _mute(mutes.get("sources")), None),
        station_mute=wrong.collect(lambda: _mute(mutes.get("stations")), None),
        water_level=wrong.collect(
            lambda: preconditioner.optional("water_level", minimum=1e-12), None
        ),
        clip=wrong.collect(lambda: _clip(top), None),
        optimiser=wrong.collect(lambda: _optimiser(top, bounds), OptimiserSettings()),
        limits=wrong.collect(lambda: _limits(limits), Limits()),
        resources=wrong.collect(lambda: read_resources(top.raw("resources"), source), {}),
    )
    wrong.raise_if_any()
    return settings


def _mutes(top: Table) -> dict[str, Table]:
    mutes = top.named("mutes", ("radius", "width", "units"))
    for name in mutes:
        if name not in ("sources", "stations"):
            raise top.wrong(f"unknown key mutes.{name}; known: sources, stations")
    return mutes


def _weights(events: Table) -> dict[str, float]:
    weights = events.raw("weights")
    for name, weight in weights.items():
        number = isinstance(weight, int | float) and not isinstance(weight, bool)
        if not number or not 0.0 <= weight < math.inf:
            raise events.wrong(f"key events.weights.{name} must be a number of at least 0")
    return {name: float(weight) for name, weight in weights.items()}


def _solver(table: Table) -> str:
    return table.choice("name", solver_names())


def _clip(top: Table) -> float | None:
    clip = top.optional("clip", minimum=0.0)
    if clip is not None and not 0.0 < clip < 1.0:
        raise top.expected("clip", "between 0 and 1")
    return clip


def _limits(table: Table) -> Limits:
    return Limits(
        table.integer("problem_traces", 0),
        table.number("free_disk", 1.0, minimum=0.0),
        table.optional("core_hours", minimum=0.0),
    )


def _parameters(top: Table) -> tuple[tuple[str, ...], dict[str, Bound]]:
    tables = top.named("parameters", ("bounds",))
    if not tables:
        raise top.wrong("key parameters is missing; name a field, such as [parameters.vp]")
    return tuple(tables), {
        name: table.pair("bounds") for name, table in tables.items() if "bounds" in table
    }


def _bands(top: Table) -> tuple[Band, ...]:
    wrong = Problems()
    found: dict[str, Band] = {}
    for table in top.tables("bands", ("name", "periods", "iterations", "stop_below")):
        band = wrong.collect(functools.partial(_band, table, found), None)
        if band is not None:
            found[band.name] = band
    wrong.raise_if_any()
    if not found:
        raise top.wrong("key bands is missing; give one [[bands]] at least")
    return tuple(found.values())


def _band(table: Table, others: Mapping[str, Band]) -> Band:
    name = table.text("name")
    if name in others:
        raise table.expected("name", "a name of its own: another band has it")
    if not _NAME.fullmatch(name) or name.startswith("trial"):
        raise table.expected(
            "name",
            f"at most {_LONGEST_NAME} letters a-z, digits, - and _, beginning with a letter or "
            "digit, but not with trial",
        )
    periods = table.pair("periods")
    if periods[0] <= 0.0:
        raise table.expected("periods", "above 0")
    return Band(
        name,
        periods,
        table.integer("iterations", minimum=1),
        table.optional("stop_below", minimum=0.0),
    )


def _waveforms(top: Table, bands: Sequence[Band], source: str) -> dict[str, Any]:
    table_values = top.raw("misfit")
    if "period_band" in table_values:
        raise top.wrong("key misfit.period_band: the periods stand in the bands")
    if "file" in top.table("misfit", list(table_values)).raw("weights"):
        raise top.wrong("key misfit.weights.file: write the weights into misfit.weights.stations")
    wrong = Problems()
    for band in bands:
        document = {**table_values, "period_band": list(band.periods)}
        wrong.collect(functools.partial(parse_config, document, f"{source}: [misfit]"), None)
    wrong.raise_if_any()
    return _with_inversion_settings(table_values)


def _with_inversion_settings(misfit: Mapping[str, Any]) -> dict[str, Any]:
    """Add the values that the misfit takes in an inversion where the file says nothing."""
    found = find_misfit(misfit.get("adjoint_source", "cc_traveltime"))
    measure = {**found.inversion_settings, **misfit.get("measure", {})}
    return {**misfit, **({"measure": measure} if measure else {})}


def _smoothing(top: Table) -> tuple[Smoothing, ...]:
    found = []
    for table in top.tables("smoothing", ("axis", "sigma", "units")):
        axis, units = table.text("axis"), table.text("units", "km")
        found.append(Smoothing(axis, units, sigma=table.number("sigma", minimum=0.0)))
    return tuple(found)


def _tapers(top: Table) -> tuple[Taper, ...]:
    found = []
    for table in top.tables("tapers", ("axis", "side", "offset", "width", "units")):
        try:
            found.append(
                Taper(
                    table.text("axis"),
                    "first" if table.choice("side", ("first", "last")) == "first" else "last",
                    table.number("offset", 0.0, minimum=0.0),
                    table.number("width", 0.0, minimum=0.0),
                    table.text("units", "km"),
                )
            )
        except ModelError as error:
            raise table.wrong(str(error)) from None
    return tuple(found)


def _mute(table: Table | None) -> Mute | None:
    if table is None:
        return None
    radius, width = table.number("radius", minimum=0.0), table.number("width", 0.0, minimum=0.0)
    return Mute(radius, width, table.text("units", "km"))


def _optimiser(top: Table, bounds: Mapping[str, Bound]) -> OptimiserSettings:
    table_values = top.raw("optimiser")
    if "bounds" in table_values:
        raise top.wrong("key optimiser.bounds: bounds stand with the parameters")
    wrong = Problems()
    for key, value in table_values.items():
        wrong.collect(functools.partial(_optimiser_settings, top, {key: value}), None)
    wrong.raise_if_any()
    return _optimiser_settings(top, {**table_values, "bounds": bounds})


def _optimiser_settings(top: Table, table_values: Mapping[str, Any]) -> OptimiserSettings:
    try:
        return OptimiserSettings.from_dict(table_values)
    except OptimiserError as error:
        raise top.wrong(str(error)) from None
