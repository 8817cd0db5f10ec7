"""Preflight before the run of an arrival: whether its endpoints and collections answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

from headrace._internal.terminal_text import terminal_text
from headrace.config.errors import ProjectError
from headrace.diagnostics.preflight import check_endpoint, endpoints_in
from headrace.project.project import Project
from headrace.runs.collection_access import check_location
from headrace.runs.input_resolution import Location, locations_of
from headrace.triggers.arrival import entry_folder
from headrace.triggers.errors import TriggerError
from headrace.triggers.template import render_input

if TYPE_CHECKING:
    from headrace.hosted import Services
    from headrace.triggers.arrival import Arrival
    from headrace.triggers.trigger import Trigger

# A good answer is kept so long (s), by target; it is asked for again ahead of that.
_KEPT: Final = {"local": 20.0, "globus": 60.0}
# A bad one is asked for again after so long (s): many arrivals may wait for it.
_BAD_KEPT: Final = 2.0
_REFRESH_SHARE: Final = 0.4
_MOST_KEPT: Final = 1000

# An endpoint by its name, or the directory that a path of the input lies in.
Need = str | Location


class AsksServices(Protocol):
    """Asks the services of a target."""

    def with_services(self, ask: Callable[[Services], str]) -> str:
        """Call with the services, and return its answer."""
        ...


class ArrivalPreflight:
    """Checks what the runs of arrivals need, and keeps the answers for a while.

    Args:
        project: returns the project as it was read last.
        target: ``local`` or ``globus``.
        asks: asks the services there.
        clock: monotonic time in s.
    """

    def __init__(
        self,
        project: Callable[[], Project],
        target: str,
        asks: AsksServices,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._project = project
        self._target = target
        self._asks = asks
        self._clock = clock
        self._answers: dict[Need, tuple[float, str]] = {}
        self._asked: set[Need] = set()
        self._mutex = threading.Lock()
        self._workers = ThreadPoolExecutor(1, thread_name_prefix="preflight")

    def problem(self, trigger: Trigger, arrival: Arrival) -> str:
        """Say why the run of an arrival would fail; "" where nothing is known against it.

        An answer that is not fresh is asked for, also where the service takes its time.
        """
        found = [self._answer(need) for need in self._needs(trigger, arrival)]
        return "; ".join(dict.fromkeys(filter(None, found)))

    def ask_ahead(self, trigger: Trigger, arrival: Arrival) -> None:
        """Have the answers ready by the time at which an arrival may be complete."""
        for need in self._needs(trigger, arrival):
            with self._mutex:
                at, _ = self._answers.get(need, (float("-inf"), ""))
                fresh = self._clock() - at < _KEPT[self._target] * _REFRESH_SHARE
                if fresh or need in self._asked:
                    continue
                self._asked.add(need)
            self._workers.submit(self._ask_in_background, need)

    def _ask_in_background(self, need: Need) -> None:
        try:
            self._ask(need)
        finally:
            with self._mutex:
                self._asked.discard(need)

    def _needs(self, trigger: Trigger, arrival: Arrival) -> Iterator[Need]:
        try:
            body = render_input(dict(trigger.input), arrival)
        except TriggerError:
            return  # the start is refused, and says why
        yield from endpoints_in(body)
        for location in locations_of(body):
            if not location.path_problem:
                folder = entry_folder(location.path)
                yield replace(location, path=folder, member="")

    def _answer(self, need: Need) -> str:
        at, answer = self._answers.get(need, (float("-inf"), ""))
        kept = _BAD_KEPT if answer else _KEPT[self._target]
        return answer if self._clock() - at < kept else self._ask(need)

    def _ask(self, need: Need) -> str:
        try:
            answer = self._asks.with_services(lambda services: self._check(services, need))
        except ProjectError:
            answer = ""  # the start is refused, and says why
        except Exception as error:  # noqa: BLE001 - no answer is no leave to start
            words = terminal_text(" ".join(str(error).split())) or type(error).__name__
            answer = f"no answer whether its run can work: {words}"
        self._answers[need] = (self._clock(), answer)
        if len(self._answers) > _MOST_KEPT:
            # Directories may be named after arrivals, of which there is no end.
            for old in [*self._answers][: _MOST_KEPT // 2]:
                self._answers.pop(old, None)
        return answer

    def _check(self, services: Services, need: Need) -> str:
        project = self._project()
        if isinstance(need, str):
            found = check_endpoint(project, self._target, services, need)
        else:
            found = check_location(project, self._target, services, need, must_exist=False)
        return f"{found.subject}: {found.message}" if found.health == "bad" else ""
