"""What a person asks of an inversion: ``inversion.toml``, checked key by key."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headrace.seismic.config import parse_config
from headrace.seismic.errors import ConfigError, ModelError, OptimiserError
from headrace.seismic.inversion.reading import Table
from headrace.seismic.inversion.resources import Resources, read_resources
from headrace.seismic.kernels import Smoothing, Taper
from headrace.seismic.optimiser import Settings as OptimiserSettings

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_TOP = (
    *("title", "events", "stations", "bands", "misfit", "windows", "solver", "parameters"),
    *("smoothing", "tapers", "mutes", "preconditioner", "clip", "optimiser", "limits"),
    "resources",
)


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
    """Where the kernel is zero about sources or stations.

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
    """When to stop rather than to go on.

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
    bounds: Mapping[str, tuple[float | None, float | None]]
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
        """The band of that name.

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
    """Reads ``inversion.toml``.

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
    """Checks settings that were read already.

    Args:
        document: the keys as in the file.
        source: what messages call the file.

    Returns:
        The settings.

    Raises:
        ConfigError: as `read_settings`.
    """
    top = Table(document, source, "", _TOP)
    events = top.table("events", ("expected", "exclude", "weights"))
    stations = top.table("stations", ("exclude",))
    solver = top.table("solver", ("name", "settings"))
    limits = top.table("limits", ("problem_traces", "free_disk", "core_hours"))
    windows = top.table("windows", ("renew",))
    mutes = top.named("mutes", ("radius", "width", "units"))
    for name in mutes:
        if name not in ("sources", "stations"):
            raise top.wrong(f"unknown key mutes.{name}; known: sources, stations")
    parameters, bounds = _parameters(top)
    bands = _bands(top)
    weights = events.raw("weights")
    for name, weight in weights.items():
        if not isinstance(weight, int | float) or isinstance(weight, bool) or not weight >= 0:
            raise events.wrong(f"key events.weights.{name} must be a number of at least 0")
    clip = top.optional("clip", least=0.0)
    if clip is not None and not 0.0 < clip < 1.0:
        raise top.expected("clip", "between 0 and 1")
    preconditioner = top.table("preconditioner", ("water_level",))
    return InversionSettings(
        title=top.text("title", "inversion"),
        events=events.whole("expected", least=1),
        excluded_events=events.texts("exclude", ()),
        event_weights={name: float(weight) for name, weight in weights.items()},
        excluded_stations=stations.texts("exclude", ()),
        bands=bands,
        waveforms=_waveforms(top, bands, source),
        renew_windows=windows.whole("renew", 0),
        solver=solver.text("name"),
        solver_settings=solver.raw("settings"),
        parameters=parameters,
        bounds=bounds,
        smoothing=_smoothing(top),
        tapers=_tapers(top),
        source_mute=_mute(mutes.get("sources")),
        station_mute=_mute(mutes.get("stations")),
        water_level=preconditioner.optional("water_level", least=1e-12),
        clip=clip,
        optimiser=_optimiser(top, bounds),
        limits=Limits(
            limits.whole("problem_traces", 0),
            limits.number("free_disk", 1.0, least=0.0),
            limits.optional("core_hours", least=0.0),
        ),
        resources=read_resources(top.raw("resources"), source),
    )


def _parameters(
    top: Table,
) -> tuple[tuple[str, ...], dict[str, tuple[float | None, float | None]]]:
    tables = top.named("parameters", ("bounds",))
    if not tables:
        raise top.wrong("key parameters is missing; name a field, such as [parameters.vp]")
    return tuple(tables), {
        name: table.pair("bounds") for name, table in tables.items() if "bounds" in table
    }


def _bands(top: Table) -> tuple[Band, ...]:
    found: dict[str, Band] = {}
    for table in top.tables("bands", ("name", "periods", "iterations", "stop_below")):
        name = table.text("name")
        if not _NAME.fullmatch(name) or name.startswith("trial") or name in found:
            raise table.expected("name", "a name of its own: letters a-z, digits, - and _")
        periods = table.pair("periods")
        if periods[0] <= 0.0:
            raise table.expected("periods", "above 0")
        found[name] = Band(
            name,
            periods,
            table.whole("iterations", least=1),
            table.optional("stop_below", least=0.0),
        )
    if not found:
        raise top.wrong("key bands is missing; give one [[bands]] at least")
    return tuple(found.values())


def _waveforms(top: Table, bands: Sequence[Band], source: str) -> dict[str, Any]:
    told = top.raw("misfit")
    if "period_band" in told:
        raise top.wrong("key misfit.period_band: the periods stand in the bands")
    if "file" in top.table("misfit", list(told)).raw("weights"):
        raise top.wrong("key misfit.weights.file: write the weights into misfit.weights.stations")
    parse_config({**told, "period_band": list(bands[0].periods)}, f"{source}: [misfit]")
    return _without_error_weights(told)


def _without_error_weights(told: Mapping[str, Any]) -> dict[str, Any]:
    """Leave pyadjoint's error out of the misfit unless it is asked for.

    The error grows as the fit gets worse, so that a line search could prefer a worse model.
    """
    kind = told.get("adjoint_source", "cc_traveltime")
    off = {"cc_traveltime": ("use_cc_error",), "multitaper": ("use_cc_error", "use_mt_error")}
    measure = {**dict.fromkeys(off.get(kind, ()), False), **told.get("measure", {})}
    return {**told, **({"measure": measure} if measure else {})}


def _smoothing(top: Table) -> tuple[Smoothing, ...]:
    found = []
    for table in top.tables("smoothing", ("axis", "sigma", "units")):
        axis, units = table.text("axis"), table.text("units", "km")
        found.append(Smoothing(axis, units, sigma=table.number("sigma", least=0.0)))
    return tuple(found)


def _tapers(top: Table) -> tuple[Taper, ...]:
    found = []
    for table in top.tables("tapers", ("axis", "side", "offset", "width", "units")):
        try:
            found.append(
                Taper(
                    table.text("axis"),
                    "first" if table.choice("side", ("first", "last")) == "first" else "last",
                    table.number("offset", 0.0, least=0.0),
                    table.number("width", 0.0, least=0.0),
                    table.text("units", "km"),
                )
            )
        except ModelError as error:
            raise table.wrong(str(error)) from None
    return tuple(found)


def _mute(table: Table | None) -> Mute | None:
    if table is None:
        return None
    radius, width = table.number("radius", least=0.0), table.number("width", 0.0, least=0.0)
    return Mute(radius, width, table.text("units", "km"))


def _optimiser(
    top: Table, bounds: Mapping[str, tuple[float | None, float | None]]
) -> OptimiserSettings:
    told = top.raw("optimiser")
    if "bounds" in told:
        raise top.wrong("key optimiser.bounds: bounds stand with the parameters")
    try:
        return OptimiserSettings.from_dict({**told, "bounds": bounds})
    except OptimiserError as error:
        raise top.wrong(str(error)) from None
