"""Settings of the embedded solver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from headrace._internal.settings import Key
from headrace.seismic.errors import SolverError
from headrace.seismic.measurement.station import TimeAxis
from headrace.seismic.solvers.plain_settings import check_settings


@dataclass(frozen=True)
class DevitoSettings:
    """Settings of the 2-D acoustic solver.

    Attributes:
        dt: time step, s; traces have the same.
        npts: time steps and samples.
        start: time of the first sample, s; below 0, for the wavelet's middle is at 0.
        absorbing_velocity: velocity for which the absorbing boundary is made, m/s: about that at
            the sides. It does not follow the model, so that the misfit stays smooth in it.
        absorbing_points: points that are added at every absorbing side.
        absorbing_reflection: reflection coefficient of a wave that comes in at a right angle. A
            smaller one needs a steeper rise, which itself reflects: waves of long periods most.
        free_surface: the first row of the model is a free surface; else it absorbs too.
        space_order: order of the differences in space, even.
        precision: ``float32`` or ``float64``.
        memory_limit: most memory that stored wavefields may take, MiB; with less of it more time
            steps are computed twice.
        channel: channel code of the traces.
        threads: OpenMP threads of one process. Shots in parallel are faster than threads.
    """

    dt: Annotated[float, Key("Time step; traces have the same.", unit="s")]
    npts: Annotated[int, Key("Time steps and samples.")]
    start: Annotated[
        float, Key("Time of the first sample, below 0; the wavelet's middle is at 0.", unit="s")
    ]
    absorbing_velocity: Annotated[
        float, Key("Velocity for which the absorbing boundary is made.", unit="m/s")
    ]
    absorbing_points: Annotated[int, Key("Points that are added at every absorbing side.")] = 40
    absorbing_reflection: Annotated[
        float, Key("Reflection coefficient of a wave at a right angle.")
    ] = 1e-2
    free_surface: Annotated[bool, Key("Whether the first row of the model is a free surface.")] = (
        True
    )
    space_order: Annotated[int, Key("Order of the differences in space, even, 2 to 16.")] = 8
    precision: Annotated[str, Key("Floating-point type: float32 or float64.")] = "float32"
    memory_limit: Annotated[
        float, Key("Most memory that stored wavefields may take.", unit="MiB")
    ] = 512.0
    channel: Annotated[str, Key("Channel code of the traces.")] = "BXP"
    threads: Annotated[int, Key("OpenMP threads of one process.")] = 1

    def __post_init__(self) -> None:
        for name, good, wanted in (
            ("dt", self.dt > 0.0, "above 0"),
            ("npts", self.npts >= 2, "at least 2"),
            ("absorbing_velocity", self.absorbing_velocity > 0.0, "above 0"),
            ("absorbing_points", self.absorbing_points >= 0, "at least 0"),
            ("absorbing_reflection", 0.0 < self.absorbing_reflection < 1.0, "between 0 and 1"),
            ("space_order", self.space_order in range(2, 17, 2), "even, 2 to 16"),
            ("precision", self.precision in ("float32", "float64"), "float32 or float64"),
            ("memory_limit", self.memory_limit > 0.0, "above 0"),
            ("threads", self.threads >= 1, "at least 1"),
            ("channel", self.channel.isalnum(), "a channel code"),
        ):
            if not good:
                raise SolverError(f"solver.{name}: {getattr(self, name)!r} must be {wanted}")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> DevitoSettings:
        """From JSON or TOML values.

        Raises:
            SolverError: a setting is missing, unknown, or cannot be used.
        """
        check_settings(cls, values)
        return cls(**values)

    @property
    def axis(self) -> TimeAxis:
        """Time axis of the traces."""
        return TimeAxis(self.start, self.dt, self.npts)
