"""Trigger: what is watched, when an arrival is complete, and the flow to start on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from headrace._internal.collection_path import CollectionPath
from headrace.triggers.name_pattern import name_pattern
from headrace.triggers.tables.after import AfterTable
from headrace.triggers.tables.afterwards import AfterwardsTable
from headrace.triggers.tables.failure import FailureTable
from headrace.triggers.tables.limits import LimitsTable
from headrace.triggers.template import parent_names, render_names
from headrace.triggers.timer_schedule import TimerSchedule


@dataclass(frozen=True)
class Trigger:
    """Watched directory, completeness rules, and the flow to start on each arrival.

    Attributes:
        name: stem of the trigger file.
        file: the trigger file.
        title: for people; default the name.
        collection: name of the collection.
        root: the collection's directory on this machine.
        path: path of the watched directory within the collection, with slashes at both ends.
        what: whether each new directory or each new file is an arrival, or each new file with those
            that belong to it ("set").
        depth: number of levels below the watched directory at which arrivals lie; default 1.
        members: of a set, templates of the names of its files; the first is the one that is named.
        pattern: shell pattern that an arrival's name matches; default "*".
        regex: regular expression that all of it matches, instead of `pattern`; its named groups are
            placeholders.
        ignore: shell patterns of names that neither count nor hold an arrival back.
        settle: seconds without change after which an arrival is complete; default 5.
        marker: name of the file that says an arrival is complete, instead of `settle`.
        minimum_count: number of files that an arrival has at least; 0: any.
        manifest: name of the file in an arrival that lists its files, with sizes or digests.
        check: command that is called, once the arrival seems complete, to decide whether it is.
        observer: how to notice: "both", by events and scans ("inotify" is its earlier name);
            "poll", by scans; "auto": both, but scans on network file systems and unseen probes.
        interval: seconds between two scans of the directory; default 10.
        existing: what becomes of what lay there before the directory was ever watched: "run" or
            "skip"; "": that is asked.
        flow: name of the flow.
        label: template of the run's label.
        tags: templates of the run's tags.
        input: template of the run's input.
        preflight: whether endpoints and collections are checked before a run.
        afterwards: what is done with an arrival whose run has succeeded.
        failure: what follows where a run fails.
        every: when it is due, where it is a timer, which has no directory; else None.
        after: which ends of runs are its arrivals, where these are; it has no directory, then.
        limits: how many runs are started, when, and in which order.
        rules: values of completeness rules of other packages, by their keys under ``[watch]``.
    """

    name: str
    file: Path
    title: str
    collection: str
    root: Path
    path: str
    what: Literal["directory", "file", "set"]
    flow: str
    pattern: str = "*"
    regex: str | None = None
    depth: int = 1
    members: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    settle: float = 5.0
    marker: str | None = None
    minimum_count: int = 0
    manifest: str | None = None
    check: tuple[str, ...] = ()
    observer: Literal["auto", "both", "inotify", "poll"] = "auto"
    interval: float = 10.0
    existing: Literal["", "run", "skip"] = ""
    label: str = "{name}"
    tags: tuple[str, ...] = ()
    input: Mapping[str, Any] = field(default_factory=dict)
    rules: Mapping[str, Any] = field(default_factory=dict)
    preflight: bool = True
    limits: LimitsTable = field(default_factory=LimitsTable)
    failure: FailureTable = field(default_factory=FailureTable)
    afterwards: AfterwardsTable = field(default_factory=AfterwardsTable)
    every: TimerSchedule | None = None
    after: AfterTable | None = None

    @property
    def directory(self) -> Path:
        """The watched directory on this machine."""
        return CollectionPath.parse(self.collection, self.path).local(self.root)

    @property
    def watches_directory(self) -> bool:
        """True where things in a directory are its arrivals, and not times or ends of runs."""
        return self.every is None and self.after is None

    @property
    def text_names(self) -> tuple[str, ...]:
        """Names of the placeholders that this trigger has besides the usual ones."""
        groups = name_pattern(self.regex).groups if self.regex else ()
        return (*groups, *parent_names(self.depth))

    def texts_of(self, path: str) -> tuple[tuple[str, str], ...]:
        """Return these placeholders and what they say of an arrival.

        Args:
            path: its path in the collection.
        """
        *above, name = path.strip("/").split("/")
        groups = name_pattern(self.regex).match(name) if self.regex else None
        parents = zip(parent_names(self.depth), reversed(above), strict=False)
        texts = dict.fromkeys(self.text_names, "")
        return tuple({**texts, **(groups or {}), **dict(parents)}.items())

    def member_names(self, name: str) -> tuple[str, ...]:
        """Return the names of all files of a set.

        Args:
            name: of the file that stands for it.
        """
        texts = {"name": name, "stem": name.rpartition(".")[0] or name}
        texts |= dict(self.texts_of(name))
        return tuple(dict.fromkeys((name, *render_names(self.members, texts))))

    @property
    def follows_runs(self) -> bool:
        """True where something depends on how its runs end."""
        return (
            self.limits.open_runs is not None
            or self.failure.attempts > 1
            or self.failure.then == "hold"
            or bool(self.afterwards)
        )

    @property
    def completeness(self) -> dict[str, Any]:
        """Values of the completeness rules by which an arrival is complete, by their keys."""
        first: dict[str, Any] = {"marker": self.marker} if self.marker else {"settle": self.settle}
        if self.what == "set":
            first = {"members": self.members, **first}
        further = {
            "minimum_count": self.minimum_count,
            "manifest": self.manifest,
            "check": self.check,
        }
        return {**first, **{key: value for key, value in further.items() if value}, **self.rules}
