"""Demonstration of the adjoint sources of events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from headrace.demos.demonstration import Demonstration, copy_tool


class AdjointSourcesDemonstration(Demonstration):
    """Waveforms of events become adjoint sources, in a directory of their own."""

    trigger = "adjoint_sources"
    source_name = "waveforms"

    def prepare(self, count: int) -> list[str]:
        """Make the project and the waveforms of new events.

        Args:
            count: how many events.

        Returns:
            The events' names.

        Raises:
            ProjectError: the directory holds something else.
            CommandError: the waveforms could not be computed.
        """
        first = 1 + len(self.existing_items())
        names = [f"{number:03d}" for number in range(first, first + count)]
        self.say(f"computing observed and synthetic seismograms of events {', '.join(names)}")
        for name in names:
            arguments = [str(self.source / name), "--seed", name.lstrip("0")]
            self.run_script("adjoint_sources_make_example.py", *arguments)
        return names

    def copy_commands(self, names: Sequence[str], target: Path) -> Iterable[Sequence[str]]:
        """Yield the commands that copy events in: every other one by rsync, where there is one.

        Args:
            names: which events.
            target: the watched directory.
        """
        for number, name in enumerate(names):
            yield [*copy_tool(number), str(self.source / name), f"{target}/"]
