"""Selection of the triggers that one watch watches, at its begin and whenever it reads them again.

A watch that was given names watches those, and is refused where somebody else watches one of them.
One without names watches all that nobody else does: it takes a trigger over when its watch ends.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from headrace.errors import HeadraceError
from headrace.triggers.claims import TriggerClaims
from headrace.triggers.errors import TriggerError, TriggerWatched
from headrace.triggers.existing_entries import find_existing_entries
from headrace.triggers.ledger import Ledger
from headrace.triggers.trigger import Trigger
from headrace.triggers.trigger_loading import load_triggers_and_errors

if TYPE_CHECKING:
    from headrace.project import Project

TriggerCheck = Callable[["Project", Sequence[Trigger]], list[str]]
"""Returns what would keep the runs of triggers of a project from being started, a line each."""


@dataclass(frozen=True)
class Selection:
    """The project and the triggers that are to be watched from now on.

    Attributes:
        project: the project as it was read.
        triggers: all triggers to be watched.
        problems: what is wrong with others, a line each; of these the earlier ones are among
            `triggers`, where there were any.
    """

    project: Project
    triggers: tuple[Trigger, ...]
    problems: tuple[str, ...] = ()


class WatchSelection:
    """The triggers of one watch.

    Args:
        names: of the triggers to watch; all that nobody else watches where there are none.
        claims: takes them.
        load: reads the project.
        check: finds what is wrong with triggers.
        target: where the runs are started.
    """

    def __init__(
        self,
        names: Collection[str],
        claims: TriggerClaims,
        load: Callable[[], Project],
        check: TriggerCheck,
        target: str = "local",
    ) -> None:
        self._target = target
        self._names = frozenset(names)
        self._claims = claims
        self._load = load
        self._check = check
        # Those of the project that others watched when they were looked for last.
        self._elsewhere: list[str] = []

    def without_hosted(self, project: Project, triggers: Sequence[Trigger]) -> list[Trigger]:
        """Return triggers but for the timers whose runs the hosted service starts."""
        hosted = project.lock().at(self._target).timers
        return [one for one in triggers if one.every is None or one.name not in hosted]

    def take(self, triggers: Sequence[Trigger]) -> list[Trigger]:
        """Take triggers for this watch before it begins.

        Args:
            triggers: those of the names, or all.

        Returns:
            those that it has now: all of them where names were given.

        Raises:
            TriggerWatched: others watch one that was named, or all.
        """
        if self._names:
            self._claims.take(trigger.name for trigger in triggers)
            return list(triggers)
        self._take_free([trigger.name for trigger in triggers])
        if not self._claims.names:
            # In its words: who has the first.
            self._claims.take(self._elsewhere)
            raise TriggerWatched("no trigger is left to watch")
        return [trigger for trigger in triggers if trigger.name in self._claims.names]

    def take_over(self, watched: Selection, ledger: Ledger) -> Selection | None:
        """Take what others have watched until now, where this watch watches all.

        What has become a timer of the hosted service meanwhile is left to it.

        Args:
            watched: what it watches.
            ledger: the ledger.

        Returns:
            what it watches from now on; None if that is the same.
        """
        without = self._drop_hosted(watched)
        if without is not None:
            return without
        taken = self._claims.take_free(self._elsewhere)
        self._elsewhere = [name for name in self._elsewhere if name not in taken]
        return self._read(watched, ledger, taken) if taken else None

    def _drop_hosted(self, watched: Selection) -> Selection | None:
        if all(one.every is None for one in watched.triggers):
            return None
        try:
            kept = self.without_hosted(watched.project, watched.triggers)
        except HeadraceError:
            return None  # what is wrong with the lock file is told where a run is started
        return replace(watched, triggers=tuple(kept)) if len(kept) < len(watched.triggers) else None

    def reload(self, watched: Selection, ledger: Ledger) -> Selection:
        """Read the project and its triggers again.

        Args:
            watched: what is watched.
            ledger: the ledger.

        Returns:
            what is to be watched from now on: triggers that are new, changed or removed are so
            there; of what is wrong the earlier triggers stay.
        """
        return self._read(watched, ledger, None)

    def release(self, name: str) -> None:
        """Let others watch a trigger, which this watch does not watch any more."""
        self._claims.release(name)

    def _read(self, watched: Selection, ledger: Ledger, only: Collection[str] | None) -> Selection:
        try:
            project = self._load()
            roots = {name: one.root for name, one in project.collections.items()}
            found, errors = load_triggers_and_errors(project.triggers_dir, roots)
            found = self.without_hosted(project, found)
        except HeadraceError as error:
            kept = "; the watch goes on with what it has read before"
            return replace(watched, problems=(f"{error}{kept}",))
        before = {trigger.name: trigger for trigger in watched.triggers}
        files = {trigger.name: trigger for trigger in found}
        if only is None:
            self._take_free([*files])
        wanted = self._names or self._claims.names
        problems = [str(error) for name, error in errors.items() if self._concerns(name, only)]
        triggers = []
        for name in sorted({*files, *errors, *(before if only else ())}):
            earlier, now = before.get(name), files.get(name)
            if name not in wanted:
                continue
            if now is None or not self._concerns(name, only):
                triggers += [earlier] if earlier else []
                continue
            if earlier and replace(now, existing=earlier.existing) == earlier:
                triggers.append(earlier)
                continue
            wrong = self._wrong(project, now, earlier, ledger)
            problems += wrong
            chosen = earlier if wrong else now
            triggers += [chosen] if chosen else []
        for name in self._claims.names - {trigger.name for trigger in triggers} - before.keys():
            self._claims.release(name)
        return Selection(project, tuple(triggers), tuple(problems))

    def _concerns(self, name: str, only: Collection[str] | None) -> bool:
        return name in only if only is not None else not self._names or name in self._names

    def _wrong(
        self, project: Project, trigger: Trigger, earlier: Trigger | None, ledger: Ledger
    ) -> list[str]:
        """Return why a trigger cannot be watched as it is now."""
        problems = self._check(project, [trigger])
        if problems:
            return problems
        if trigger.name not in self._claims.names:
            try:
                self._claims.take([trigger.name])
            except TriggerError as error:
                return [str(error)]
        if trigger.existing:
            return []
        return [
            f"{look}: write existing under [watch] of {trigger.file}; it is not watched"
            for look in find_existing_entries([trigger], ledger)
        ]

    def _take_free(self, names: Sequence[str]) -> None:
        if not self._names:
            self._claims.take_free(names)
            self._elsewhere = [name for name in names if name not in self._claims.names]
