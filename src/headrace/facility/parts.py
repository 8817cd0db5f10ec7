"""Parts of the facility's process that packages above it bring, such as notifications."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from headrace._internal.entry_points import entry_points
from headrace.facility.identity import Identity
from headrace.facility.store.actions import ActionTable
from headrace.facility.store.event_queue import EventQueue
from headrace.facility.store.runs import RunTable
from headrace.facility.store.web_inputs import WebInputTable
from headrace.facility.supervision import Health, describe

ENTRY_POINT_GROUP: Final = "headrace.facility_parts"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PartContext:
    """Objects of the facility that a part may use.

    Attributes:
        root: the project's root.
        identity: who runs are started by.
        runs: the runs.
        actions: their actions.
        web_inputs: the questions that they ask.
        event_queue: what happened to them.
        health: where it reports problems, and sees those of others.
    """

    root: Path
    identity: Identity
    runs: RunTable
    actions: ActionTable
    web_inputs: WebInputTable
    event_queue: EventQueue
    health: Health


class FacilityPart(Protocol):
    """A part: made by a call with nothing, started once, and stopped when the facility ends."""

    def start(self, context: PartContext) -> None:
        """Begin to work, in threads of its own; must return soon."""

    def stop(self) -> None:
        """End the threads, within some seconds."""


def start_parts(context: PartContext) -> Mapping[str, FacilityPart]:
    """Start the installed parts; one that cannot be started is reported and stops nothing."""
    started: dict[str, FacilityPart] = {}
    for entry_point in entry_points(group=ENTRY_POINT_GROUP):
        try:
            part: FacilityPart = entry_point.load()()
            part.start(context)
        except Exception as error:
            logger.exception("the part %s", entry_point.value)
            context.health.add_notice(entry_point.name, f"not started: {describe(error)}")
        else:
            started[entry_point.name] = part
    return started


def stop_parts(parts: Sequence[FacilityPart]) -> None:
    """Stop parts; one that cannot be stopped keeps none of the others running."""
    for part in parts:
        try:
            part.stop()
        except Exception:
            logger.exception("stopping a part")
