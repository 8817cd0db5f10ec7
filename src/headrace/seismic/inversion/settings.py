"""Settings of an inversion: ``inversion.toml``, read and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from headrace._internal.settings import FileKind, KeyWording, Reading, TomlDocument
from headrace._internal.settings.document import KeyPath
from headrace.seismic.config_file import config_faults, processing_schema
from headrace.seismic.errors import ConfigError, ModelError, OptimiserError
from headrace.seismic.inversion.errors import SettingsError
from headrace.seismic.inversion.resources import Resources
from headrace.seismic.inversion.settings_file import INVERSION, Band, Bound, Limits, Mute
from headrace.seismic.kernels import Smoothing, Taper
from headrace.seismic.misfits import find_misfit
from headrace.seismic.optimisation import Settings as OptimiserSettings
from headrace.seismic.solvers.backends.devito.settings import DevitoSettings
from headrace.seismic.solvers.backends.rays import RaySettings
from headrace.seismic.solvers.plain_settings import settings_table


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
    return _parse(_read_toml(path))


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
    return _parse(TomlDocument(source, document))


def settings_problems(path: Path) -> list[str]:
    """Return all that is wrong with an ``inversion.toml``, one line each."""
    try:
        read_settings(path)
    except SettingsError as error:
        return list(error.problems)
    except ConfigError as error:
        return [str(error)]
    return []


def inversion_schema() -> dict[str, Any]:
    """Return the JSON schema of the file, with the keys of the waveform program's settings."""
    found = INVERSION.schema()
    misfit = processing_schema()
    del misfit["properties"]["period_band"]
    del misfit["properties"]["weights"]["properties"]["file"]
    misfit["required"].remove("period_band")
    found["properties"]["misfit"] = misfit
    found["properties"]["bands"]["minItems"] = 1
    found["properties"]["parameters"]["minProperties"] = 1
    found["required"] = [*found["required"], "bands", "misfit", "parameters"]
    return found


INVERSION_TOML: Final = FileKind(
    name="inversion.toml",
    description="Settings of a full-waveform inversion.",
    table=INVERSION,
    patterns=("data/inversion*/inversion.toml",),
    problems=settings_problems,
    schema=inversion_schema,
    parts=lambda: {
        '[solver.settings], solver.name = "rays"': settings_table(RaySettings),
        '[solver.settings], solver.name = "devito"': settings_table(DevitoSettings),
    },
)
"""The kind of file."""


class _MisfitTable(TomlDocument):
    """The table ``[misfit]`` as a configuration of the waveform program, for one band."""

    def __init__(self, document: TomlDocument, values: Mapping[str, Any], band: Band) -> None:
        periods = {"period_band": list(band.periods)}
        super().__init__(f"{document.name}: [misfit]", {**values, **periods}, document.text)

    def line_of(self, key: KeyPath) -> int:
        """Return the line where a key stands."""
        return super().line_of(("misfit", *key))


def _read_toml(path: Path) -> TomlDocument:
    try:
        return TomlDocument.read(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None


def _parse(document: TomlDocument) -> InversionSettings:
    reading = Reading(document, KeyWording())
    values = INVERSION.read_values(document.values, reading.top)
    for name, advice in (
        ("bands", "give one [[bands]] at least"),
        ("parameters", "name a field, such as [parameters.vp]"),
    ):
        if not document.values.get(name, {}):
            reading.top.report(f"key {name} is missing; {advice}")
    problems = [fault.message for fault in reading.faults]
    problems += _misfit_problems(reading, values.get("misfit", {}), values.get("bands", ()))
    if not problems:
        try:
            return _settings(values)
        except (ModelError, OptimiserError) as error:
            problems.append(f"{document.name}: {error}")
    raise SettingsError(list(dict.fromkeys(problems)))


def _misfit_problems(
    reading: Reading, misfit: Mapping[str, Any], bands: Sequence[Band]
) -> list[str]:
    """Return what is wrong with the table ``[misfit]``, for each of the bands."""
    document, place = reading.document, reading.top.child("misfit")
    own = Reading(document, reading.wording)
    place = own.top.child("misfit")
    weights = misfit.get("weights")
    if "period_band" in misfit:
        place.child("period_band").refused("the periods stand in the bands")
    elif isinstance(weights, Mapping) and "file" in weights:
        where = place.child("weights").child("file")
        where.refused("write the weights into misfit.weights.stations")
    if own.faults:
        return [fault.message for fault in own.faults]
    found = []
    for band in bands:
        try:
            faults = config_faults(_MisfitTable(document, misfit, band))
        except ConfigError as error:
            found.append(f"{document.name}: [misfit]: {error}")
        else:
            found += [fault.message for fault in faults]
    return found


def _settings(values: Mapping[str, Any]) -> InversionSettings:
    bounds = {
        name: parameter.bounds
        for name, parameter in values["parameters"].items()
        if parameter.bounds is not None
    }
    return InversionSettings(
        title=values["title"],
        events=values["events"].expected,
        excluded_events=values["events"].exclude,
        event_weights=values["events"].weights,
        excluded_stations=values["stations"].exclude,
        bands=values["bands"],
        waveforms=_with_inversion_settings(values["misfit"]),
        renew_windows=values["windows"].renew,
        solver=values["solver"].name,
        solver_settings=values["solver"].settings,
        parameters=tuple(values["parameters"]),
        bounds=bounds,
        smoothing=tuple(
            Smoothing(one.axis, one.units, sigma=one.sigma) for one in values["smoothing"]
        ),
        tapers=tuple(
            Taper(one.axis, one.side, one.offset, one.width, one.units) for one in values["tapers"]
        ),
        source_mute=values["mutes"].sources,
        station_mute=values["mutes"].stations,
        water_level=values["preconditioner"].water_level,
        clip=values["clip"],
        optimiser=OptimiserSettings.from_dict({**values["optimiser"], "bounds": bounds}),
        limits=values["limits"],
        resources=values["resources"],
    )


def _with_inversion_settings(misfit: Mapping[str, Any]) -> dict[str, Any]:
    """Add the values that the misfit takes in an inversion where the file says nothing."""
    found = find_misfit(misfit.get("adjoint_source", "cc_traveltime"))
    measure = {**found.inversion_settings, **misfit.get("measure", {})}
    return {**misfit, **({"measure": measure} if measure else {})}
