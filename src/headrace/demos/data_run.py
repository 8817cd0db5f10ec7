"""Demonstration of the analysis of data runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from headrace.demos.demonstration import Demonstration, copy_tool


class DataRunDemonstration(Demonstration):
    """Data runs are fitted and analysed, in a directory of their own."""

    trigger = "data_run"
    source_name = "daq"

    def prepare(self, count: int) -> list[str]:
        """Make the project and the segments of new runs.

        Args:
            count: how many runs.

        Returns:
            The runs' names.

        Raises:
            ProjectError: the directory holds something else, or the runs could not be written.
        """
        made = [int(name.removeprefix("run")) for name in self.existing_items()]
        first = 1 + max(made, default=0)
        numbers = range(first, first + count)
        names = [f"run{number:04d}" for number in numbers]
        self.say(f"writing {', '.join(names)}: 4 segments, 8 channels, pulses, pile-up and noise")
        for number in numbers:
            chosen = ["--run", str(number), "--seed", str(number)]
            self.run_script("data_run_make_example.py", str(self.source), *chosen)
        return names

    def copy_commands(self, names: Sequence[str], target: Path) -> Iterable[Sequence[str]]:
        """Yield the commands that copy runs in, segment by segment.

        Args:
            names: which runs.
            target: the watched directory.
        """
        for name in names:
            yield ["mkdir", str(target / name)]
            for number, segment in enumerate(sorted((self.source / name).iterdir())):
                yield [*copy_tool(number), str(segment), f"{target / name}/"]
