"""Demonstration of molecular dynamics as a campaign."""

from __future__ import annotations

import json
from pathlib import Path

from headrace.demos.campaign_demonstration import CampaignDemonstration

STEPS = 3000
"""Steps of each simulation: three legs of the example's campaign."""


class MolecularDynamicsDemonstration(CampaignDemonstration):
    """Boxes of water at several temperatures, each in three legs over two lanes."""

    campaign = "md"
    pipelines = ("md", "md_quicklook")

    @property
    def simulations(self) -> Path:
        """The directory with the inputs of the simulations."""
        return self.directory / "data" / "simulations"

    @property
    def results(self) -> Path:
        """The directory that the legs come back to."""
        return self.directory / "data" / "results" / self.campaign

    def prepare(self, count: int) -> list[str]:
        """Make the project, the boxes and the campaign's table, unless they are there.

        Args:
            count: how many boxes.

        Returns:
            The boxes' names.

        Raises:
            ProjectError: the directory holds something else, no engine is on this machine, or its
                programs failed.
        """
        self.make_project()
        made = sorted(path.name for path in self.simulations.glob("box*"))
        if made:
            return made
        self.say(f"writing the inputs of {count} boxes of water")
        arguments = ("--boxes", str(count), "--steps", str(STEPS))
        printed = self.run_script("md_make_example.py", str(self.simulations), *arguments)
        boxes = [json.loads(line) for line in printed.splitlines()]
        self.say(f"engine: {boxes[0]['engine']}")
        columns = ("name", "engine", "temperature")
        self.write_table(columns, [[box[column] for column in columns] for box in boxes])
        return [box["name"] for box in boxes]
