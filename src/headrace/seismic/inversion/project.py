"""An inversion as its stages see it: settings, steering, optimiser, and who takes part."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headrace.seismic.config import ProcessingConfig
from headrace.seismic.config_file import parse_config
from headrace.seismic.errors import OptimiserError
from headrace.seismic.inversion.errors import InversionError
from headrace.seismic.inversion.paths import Paths
from headrace.seismic.inversion.settings import InversionSettings, read_settings
from headrace.seismic.inversion.settings_file import Band
from headrace.seismic.inversion.steering import Steering, read_steering
from headrace.seismic.optimisation import Optimiser, State


@dataclass(frozen=True)
class Inversion:
    """Inversion project: paths, settings and steering, which every stage reads first.

    Attributes:
        paths: where its files are.
        settings: ``inversion.toml``.
        steering: what was asked for since.
    """

    paths: Paths
    settings: InversionSettings
    steering: Steering

    @functools.cached_property
    def events(self) -> tuple[str, ...]:
        """Names of the events that take part, sorted."""
        return tuple(name for name in self.all_events if name not in self._left_out)

    @functools.cached_property
    def all_events(self) -> tuple[str, ...]:
        """Names of all events, sorted."""
        place = self.paths.events
        if not place.is_dir():
            return ()
        with os.scandir(place) as entries:
            return tuple(
                sorted(each.name for each in entries if each.name[0] != "." and each.is_dir())
            )

    @property
    def excluded_stations(self) -> tuple[str, ...]:
        """Stations that are left out, ``NET.STA``, sorted."""
        return tuple(sorted({*self.settings.excluded_stations, *self.steering.stations}))

    @functools.cached_property
    def solver_settings(self) -> Mapping[str, Any]:
        """The solver's settings, with the paths of its own files."""
        return solver_settings_at(self.paths, self.settings)

    @functools.cached_property
    def run_keys(self) -> dict[tuple[str, str] | None, str]:
        """Hashes of forward runs, by the model's content and the event, as they become known."""
        return {}

    def processing_config(self, band: Band) -> ProcessingConfig:
        """Return the settings that the waveform program will have in a band.

        Raises:
            ConfigError: they cannot be used.
        """
        known = self._processing_configs
        if band.periods not in known:
            waveforms = {**self.settings.waveforms, "period_band": list(band.periods)}
            known[band.periods] = parse_config(waveforms, self.paths.settings.name)
        return known[band.periods]

    @functools.cached_property
    def _processing_configs(self) -> dict[tuple[float, float], ProcessingConfig]:
        return {}

    @property
    def _left_out(self) -> set[str]:
        return {*self.settings.excluded_events, *self.steering.events}

    def is_over(self, iteration: int) -> bool:
        """Return whether the search of an iteration has finished or stopped without a new model."""
        state = self.optimiser_state()
        over = state is not None and state.phase in ("finished", "stopped")
        return over and state is not None and state.iteration == iteration

    def optimiser_state(self) -> State | None:
        """Return where the optimiser is; None if it was not started yet.

        Raises:
            OptimiserError: its state cannot be read.
        """
        if not (self.paths.optimiser / "state.json").exists():
            return None
        return Optimiser(self.paths.optimiser).state

    def optimiser(self) -> Optimiser:
        """Return the optimiser.

        Raises:
            InversionError: it was not started yet.
        """
        try:
            return Optimiser(self.paths.optimiser)
        except OptimiserError as error:
            raise InversionError(f"{error}; run the stage check of iteration 0 first") from None


def open_inversion(root: Path) -> Inversion:
    """Open an inversion.

    Args:
        root: its directory.

    Returns:
        What the stages need.

    Raises:
        ConfigError: its settings cannot be used.
        InversionError: its steering cannot be read.
    """
    paths = Paths(root)
    return Inversion(paths, read_settings(paths.settings), read_steering(paths))


def solver_settings_at(paths: Paths, settings: InversionSettings) -> dict[str, Any]:
    """Return the solver's settings; texts that begin with ``solver/`` are files of the inversion.

    Args:
        paths: where the inversion is.
        settings: its settings.
    """
    solver_settings = dict(settings.solver_settings)
    for name, value in solver_settings.items():
        if isinstance(value, str) and value.startswith(f"{paths.solver.name}/"):
            solver_settings[name] = str(paths.root / value)
    return solver_settings
