"""Problems of many traces and events said once each, so that one message shows all to decide."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from headrace.seismic.errors import Problem, SeismicError
from headrace.seismic.waveforms.stations import Pair


@dataclass(frozen=True)
class TraceProblems:
    """Problems of one trace, or of a file that belongs to none.

    Attributes:
        name: what messages call it; empty where the text says it already.
        problems: all of them.
        alike: words by which its texts differ from those of other traces.
    """

    name: str
    problems: tuple[Problem, ...]
    own_names: tuple[str, ...] = ()

    @classmethod
    def of_pair(
        cls, station: str, component: str, pair: Pair | None, problems: Sequence[Problem]
    ) -> TraceProblems:
        """Make that of a component of a station."""
        files = (pair.observed, pair.synthetic) if pair else ()
        names = [station, f".{component}"]
        names += [name for file in files if file for name in (file.path.name, file.id)]
        return cls(f"{station}.{component}", tuple(problems), tuple(names))

    def kinds(self) -> tuple[str, ...]:
        """Return by what its problems are the same as those of others."""
        return tuple(one.kind or _without(one.text, self.own_names) for one in self.problems)

    @classmethod
    def of_file(cls, name: str, text: str) -> TraceProblems:
        """Make that of a file."""
        return cls("", (Problem(text),), (name,))


@dataclass(frozen=True)
class SharedProblem:
    """One problem, and how many have it.

    Attributes:
        text: the first one that was found, one line with its way out.
        count: how many traces, files or events have it.
        files: to edit, where a line of settings mends it: one, or one of each event.
        line: to write there.
        kind: by which others are the same.
        events: names of those that have it.
        decide: whether somebody must decide what is right.
    """

    text: str
    count: int = 1
    files: tuple[str, ...] = ()
    line: str = ""
    kind: str = ""
    events: tuple[str, ...] = ()
    decide: bool = False

    def message(self) -> str:
        """Return it in one line, with how many have it and what to write where."""
        more = []
        if self.count > 1:
            more.append(f"and {self.count - 1} more like it")
        if len(self.events) > 1:
            more.append(f"in {len(self.events)} events")
        if self.files:
            others = len(self.files) - 1
            each = f" and {others} more of its name" if others else ""
            more.append(f"to write into {self.files[0]}{each}: {self.line}")
        return f"{self.text} ({'; '.join(more)})" if more else self.text

    def document(self) -> dict[str, object]:
        """Return it as JSON shows it."""
        return {
            "problem": self.text,
            "count": self.count,
            "files": list(self.files),
            "line": self.line,
            "events": list(self.events),
        }


class EventError(SeismicError):
    """An event that nothing could be done with.

    Args:
        text: what became of it.
        problems: all that is wrong with it; reported after the text.
    """

    def __init__(self, text: str, problems: Sequence[SharedProblem] = ()) -> None:
        self.problems = tuple(problems)
        message = " | ".join(problem.message() for problem in problems)
        super().__init__(f"{text}: {message}" if message else text)


class NotMeasured(EventError):
    """An event whose traces were looked at, and could not be measured."""


def shared_problems(
    event: str, found: Iterable[TraceProblems], files: Mapping[str, str]
) -> list[SharedProblem]:
    """Collect the different problems of an event.

    Problems of one kind, and those that differ in the names of files and stations only, are one;
    the first is reported as it is.

    Args:
        event: its name.
        found: what is wrong with its traces and files.
        files: the file of each `Problem.edit`.

    Returns:
        One for each problem: what a line of settings mends first, then the commonest.
    """
    first: dict[str, SharedProblem] = {}
    for trace in found:
        for problem, kind in zip(trace.problems, trace.kinds(), strict=True):
            if kind in first:
                first[kind] = dataclasses.replace(first[kind], count=first[kind].count + 1)
                continue
            text = f"{trace.name}: {problem.text}" if trace.name else problem.text
            edit = (files[problem.edit],) if problem.edit in files else ()
            line = problem.line if edit else ""
            first[kind] = SharedProblem(
                text, 1, edit, line, kind, (event,), problem.decide or bool(line)
            )
    return sorted(first.values(), key=lambda one: (not one.decide, -one.count))


def merge_problems(events: Iterable[Sequence[SharedProblem]]) -> list[SharedProblem]:
    """Say once what several events have alike, and name the first event of each problem."""
    merged: dict[tuple[str, str], SharedProblem] = {}
    for problems in events:
        for one in problems:
            # An event file is each event's own; a configuration may be, too.
            key = (one.kind or one.text, one.line)
            before = merged.get(key)
            if before is not None:
                one = dataclasses.replace(
                    before,
                    count=before.count + one.count,
                    events=before.events + one.events,
                    files=tuple(dict.fromkeys(before.files + one.files)),
                )
            else:
                one = dataclasses.replace(one, text=f"{one.events[0]}: {one.text}")
            merged[key] = one
    return sorted(merged.values(), key=lambda one: (not one.decide, -one.count))


def _without(text: str, names: Sequence[str]) -> str:
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, "")
    return text
