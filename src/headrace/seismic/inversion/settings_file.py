"""The keys of ``inversion.toml``, declared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from headrace._internal.settings import (
    Choice,
    Declared,
    FreeTable,
    InvalidValue,
    Key,
    Kind,
    Named,
    Number,
    Place,
    Table,
    TableList,
    Text,
    table_of,
)
from headrace.seismic.errors import OptimiserError
from headrace.seismic.inversion.resources import RESOURCES, STAGES, Resources
from headrace.seismic.optimisation import Settings as OptimiserSettings
from headrace.seismic.solvers import solver_names

# It becomes part of the names of files and batch jobs.
_LONGEST_NAME: Final = 60
_NAME: Final = re.compile(rf"[a-z0-9][a-z0-9_-]{{0,{_LONGEST_NAME - 1}}}")

Bound = tuple[float | None, float | None]
"""Lowest and highest value of a field; None where there is none."""


class RisingPair(Kind):
    """Two rising numbers."""

    expected = "two rising numbers, such as [1.0, 2.0]"

    def parse(self, value: Any) -> tuple[float, float]:
        """Return the two numbers."""
        if not isinstance(value, list) or len(value) != 2:
            raise InvalidValue(self.expected)
        try:
            low, high = (Number()(one) for one in value)
        except InvalidValue:
            raise InvalidValue(self.expected) from None
        if not low < high:
            raise InvalidValue(self.expected)
        return low, high

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema; that they rise, it cannot say."""
        return {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}


class BandPeriods(RisingPair):
    """Shortest and longest period of a band."""

    def parse(self, value: Any) -> tuple[float, float]:
        """Return the two periods."""
        low, high = super().parse(value)
        if low <= 0.0:
            raise InvalidValue("above 0")
        return low, high


class BandName(Text):
    """Name of a band."""

    def parse(self, value: Any) -> str:
        """Return the name."""
        name = super().parse(value)
        if not _NAME.fullmatch(name) or name.startswith("trial"):
            raise InvalidValue(
                f"at most {_LONGEST_NAME} letters a-z, digits, - and _, beginning with a letter or "
                "digit, but not with trial"
            )
        return name

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the name."""
        return {"type": "string", "pattern": f"^(?!trial)(?:{_NAME.pattern})$"}


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

    name: Annotated[
        str, Key("Its name, which becomes part of names of files.", BandName(empty=False))
    ]
    periods: Annotated[
        tuple[float, float],
        Key("Shortest and longest period.", BandPeriods(), "s", example="periods = [0.3, 2.0]"),
    ]
    iterations: Annotated[int, Key("Most iterations in it.", minimum=1)]
    stop_below: Annotated[
        float | None,
        Key(
            "The band is over as soon as an iteration lowers the misfit by less than this share.",
            minimum=0.0,
            default="never",
        ),
    ] = None


@dataclass(frozen=True)
class Mute:
    """Mute of the kernel: it is zero about sources or stations.

    Attributes:
        radius: within which it is zero.
        width: over which it rises.
        units: of both.
    """

    radius: Annotated[float, Key("Distance within which it is zero.", minimum=0.0)]
    width: Annotated[float, Key("Distance over which it rises.", minimum=0.0)] = 0.0
    units: Annotated[str, Key("Units of both.")] = "km"


@dataclass(frozen=True)
class Limits:
    """Limits beyond which the inversion stops rather than goes on.

    Attributes:
        problem_traces: traces of an evaluation that may be unusable.
        free_disk: GB that must stay free where it is computed.
        core_hours: core hours that the inversion may take in all; None: no limit.
    """

    problem_traces: Annotated[
        int, Key("Traces of an evaluation that may be unusable.", minimum=0)
    ] = 0
    free_disk: Annotated[float, Key("Disk space that must stay free.", minimum=0.0, unit="GB")] = (
        1.0
    )
    core_hours: Annotated[
        float | None,
        Key("Core hours that the inversion may take in all.", minimum=0.0, default="no limit"),
    ] = None


@dataclass(frozen=True)
class EventsTable:
    """The table ``[events]``."""

    expected: Annotated[int, Key("How many events there must be.", minimum=1)]
    exclude: Annotated[tuple[str, ...], Key("Events that are left out.")] = ()
    weights: Annotated[
        Mapping[str, float],
        Key("Factors of events' misfits; 1 for those not named.", FreeTable(Number(0.0))),
    ] = field(default_factory=dict)


@dataclass(frozen=True)
class StationsTable:
    """The table ``[stations]``."""

    exclude: Annotated[tuple[str, ...], Key("Stations NET.STA that are left out.")] = ()


@dataclass(frozen=True)
class WindowsTable:
    """The table ``[windows]``."""

    renew: Annotated[
        int,
        Key(
            "Iterations after which windows are selected anew; 0: with a new band only.", minimum=0
        ),
    ] = 0


@dataclass(frozen=True)
class SolverTable:
    """The table ``[solver]``."""

    name: Annotated[str, Key("Name of the solver.", Choice(solver_names))]
    settings: Annotated[
        Mapping[str, Any], Key("Settings of the solver, as its documentation says.")
    ] = field(default_factory=dict)


@dataclass(frozen=True)
class ParameterTable:
    """A table ``[parameters.FIELD]``."""

    bounds: Annotated[
        tuple[float, float] | None,
        Key("Lowest and highest value of the field.", RisingPair(), default="none"),
    ] = None


@dataclass(frozen=True)
class SmoothingTable:
    """A table of ``[[smoothing]]``."""

    axis: Annotated[str, Key("Axis along which.", Text(empty=False))]
    sigma: Annotated[float, Key("Standard deviation of the Gaussian.", minimum=0.0)]
    units: Annotated[str, Key("Units of sigma.")] = "km"


@dataclass(frozen=True)
class TaperTable:
    """A table of ``[[tapers]]``."""

    axis: Annotated[str, Key("Axis whose end it is.", Text(empty=False))]
    side: Annotated[
        str, Key("At the axis' lowest or highest coordinate.", Choice(("first", "last")))
    ]
    offset: Annotated[
        float, Key("Distance from the side within which it is zero.", minimum=0.0)
    ] = 0.0
    width: Annotated[float, Key("Distance over which it rises.", minimum=0.0)] = 0.0
    units: Annotated[str, Key("Units of both.")] = "km"


@dataclass(frozen=True)
class MutesTable:
    """The table ``[mutes]``."""

    sources: Annotated[Mute | None, Key("Mute about sources.")] = None
    stations: Annotated[Mute | None, Key("Mute about stations.")] = None


@dataclass(frozen=True)
class PreconditionerTable:
    """The table ``[preconditioner]``."""

    water_level: Annotated[
        float | None, Key("Water level, as a share of its largest value.", minimum=1e-12)
    ] = None


class OptimiserTable(Table[dict[str, Any]]):
    """The table ``[optimiser]``, as the optimiser itself checks it."""

    def __init__(self) -> None:
        super().__init__(table_of(OptimiserSettings).keys, dict, only_given=True)

    def read_values(self, value: Any, place: Place) -> dict[str, Any]:
        """Return the values of those keys that have no fault."""
        if not isinstance(value, Mapping):
            place.not_a_table(value)
            return {}
        found = {}
        for name, one in value.items():
            where = place.child(name)
            if name == "bounds":
                where.refused("bounds stand with the parameters")
                continue
            before = len(place.reading.faults)
            try:
                OptimiserSettings.from_dict({name: one})
            except OptimiserError as error:
                where.report(str(error))
            else:
                self.keys[name].kind.read(one, where)
            if len(place.reading.faults) == before:
                found[name] = one
        return found


def _check_bands(bands: dict[int, Band], place: Place) -> None:
    names: set[str] = set()
    for number, band in bands.items():
        if band.name in names:
            expected = "a name of its own: another band has it"
            place.child(number).child("name").invalid(expected, band.name)
        names.add(band.name)


def _declared(name: str, description: str, kind: Kind, default: Any) -> Declared:
    return Declared(name, Key(description), kind, default)


_KEYS: Final = (
    _declared("title", "What people see of it.", Text(), "inversion"),
    Declared("events", Key("Events."), table_of(EventsTable)),
    _declared("stations", "Stations.", table_of(StationsTable), StationsTable()),
    _declared("bands", "Bands.", TableList(table_of(Band), _check_bands), ()),
    _declared(
        "misfit",
        "Keys of adjoint_sources.toml, but for period_band and weights.file.",
        FreeTable(),
        {},
    ),
    _declared("windows", "Windows.", table_of(WindowsTable), WindowsTable()),
    Declared("solver", Key("Solver."), table_of(SolverTable)),
    _declared(
        "parameters",
        "Fields that are changed.",
        Named(table_of(ParameterTable), placeholder="FIELD"),
        {},
    ),
    _declared("smoothing", "Smoothing.", TableList(table_of(SmoothingTable)), ()),
    _declared("tapers", "Tapers of the kernel.", TableList(table_of(TaperTable)), ()),
    _declared("mutes", "Mutes of the kernel.", table_of(MutesTable), MutesTable()),
    _declared(
        "preconditioner", "Preconditioner.", table_of(PreconditionerTable), PreconditionerTable()
    ),
    _declared(
        "clip",
        "Share of the points that clipping leaves as they are.",
        Number(0.0, 1.0, "between 0 and 1", between=True),
        None,
    ),
    _declared("optimiser", "Optimiser.", OptimiserTable(), {}),
    _declared("limits", "Limits.", table_of(Limits), Limits()),
    _declared("resources", "Resources.", RESOURCES, {stage: Resources() for stage in STAGES}),
)

INVERSION: Final[Table[dict[str, Any]]] = Table({key.name: key for key in _KEYS}, dict)
"""The whole file."""
