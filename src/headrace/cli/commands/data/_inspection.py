"""Contents of directories of seismograms, gathered for one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headrace.seismic.config import ProcessingConfig
    from headrace.seismic.measurement.inspection_result import Inspection
    from headrace.seismic.measurement.problem_summary import SharedProblem

_NO_CONFIG = "the configuration"


@dataclass(frozen=True)
class Look:
    """Inspections of all events.

    Attributes:
        events: each event.
        config: the configuration they were judged by; None without any.
    """

    events: Sequence[Inspection]
    config: Path | None

    @property
    def sound(self) -> bool:
        """True where runs of all events would succeed, with nothing left to decide."""
        return all(event.sound for event in self.events)

    def problems(self) -> list[SharedProblem]:
        """Return the problems of all events, those that several have once."""
        from headrace.seismic.measurement.problem_summary import merge_problems

        return merge_problems(event.problems for event in self.events)

    def document(self) -> dict[str, Any]:
        """Return it as JSON shows it."""
        return {
            "sound": self.sound,
            "config": str(self.config) if self.config else None,
            "events": [_event(event) for event in self.events],
            "problems": [problem.document() for problem in self.problems()],
        }

    def rows(self) -> list[dict[str, Any]]:
        """Return a row for each record."""
        return [
            {"event": event.event, **asdict(record)}
            for event in self.events
            for record in event.records
        ]


def look_at(
    directory: Path, synthetic: Path | None, config: ProcessingConfig | None, file: Path | None
) -> Look:
    """Look at the events of a directory.

    Args:
        directory: of an event, or of several.
        synthetic: of computed seismograms that are elsewhere.
        config: how they would be processed.
        file: of that configuration.

    Raises:
        SeismicError: there is no event.
    """
    from headrace.seismic.measurement.event_directories import find_events
    from headrace.seismic.measurement.inspection import inspect_event

    events = [
        inspect_event(
            event.name,
            event.observed,
            event.synthetic,
            config,
            str(file or _NO_CONFIG),
            event.geometry,
        )
        for event in find_events(directory, synthetic)
    ]
    return Look(events, file)


def require_seismic() -> None:
    """Refuse to go on without the libraries that read seismograms.

    Raises:
        ProjectError: one is not installed.
    """
    from headrace.config import ProjectError

    try:
        import obspy  # noqa: F401
        import scipy  # noqa: F401
    except ImportError as error:
        raise ProjectError(
            f"{error.name} is not installed: pip install 'headrace[seismic]'"
        ) from error


def _event(event: Inspection) -> dict[str, Any]:
    origin = event.origin
    return {
        "event": event.event,
        "sound": event.sound,
        "observed": str(event.observed),
        "synthetic": str(event.synthetic) if event.synthetic else None,
        "origin": {
            "time": event.origin_time.isoformat() if event.origin_time else None,
            "latitude": origin.latitude if origin else None,
            "longitude": origin.longitude if origin else None,
            "depth": origin.depth if origin else None,
            "from": event.origin_from or None,
        },
        "decisions": asdict(event.decisions),
        "records": [asdict(record) for record in event.records],
        "problems": [problem.document() for problem in event.problems],
    }
