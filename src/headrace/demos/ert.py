"""Demonstration of resistivity inversions as a campaign."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from headrace.demos.campaign_demonstration import CampaignDemonstration

if TYPE_CHECKING:
    from headrace.project import Project

SITES: Final[Mapping[str, int]] = {"meadow": 10, "dike": 5, "quarry": 0}
"""Sites at which the sections lie, with the priorities of their sections."""

_PIPELINE: Final = "ert"
_PACK: Final = 4
_COLUMNS: Final = ("name", "site", "priority", "path")
_MEMBERS: Final = """\
[members]
table = "sections.csv"           # beside this file
key = "{name}"
group = "{site}"
priority = "{priority}"          # a higher one first

"""


class ResistivityDemonstration(CampaignDemonstration):
    """Synthetic sections of three sites, inverted over two lanes."""

    campaign = "sections"
    pipelines = (_PIPELINE,)

    @property
    def sections(self) -> Path:
        """The directory with the data of the sections."""
        return self.directory / "data" / "ert"

    @property
    def results(self) -> Path:
        """The directory that the models come back to."""
        return self.directory / "data" / "results" / self.campaign

    def prepare(self, count: int) -> list[str]:
        """Make the project, the sections and the campaign's table, unless they are there.

        Args:
            count: how many sections.

        Returns:
            The names of the sections.

        Raises:
            ProjectError: the directory holds something else, or pyGIMLi is not on this machine.
            CampaignError: the campaign cannot be made.
        """
        from headrace._internal.atomic import write_atomic
        from headrace.campaigns.campaign_creation import create_campaign
        from headrace.project import load_project

        self.make_project()
        file = self.directory / "campaigns" / f"{self.campaign}.toml"
        table = file.with_suffix(".csv")
        if table.exists():
            with table.open(newline="", encoding="utf-8") as stream:
                return [row["name"] for row in csv.DictReader(stream)]
        self._write_sections(count)
        if not file.exists():
            create_campaign(load_project(self.directory), self.campaign, example=_PIPELINE)
            write_atomic(file, _of_table(file.read_text(encoding="utf-8")))
        rows = [
            (name, site, SITES[site], f"/ert/{name}/")
            for number in range(1, count + 1)
            for name, site in [(f"line{number:02d}", [*SITES][number % len(SITES)])]
        ]
        lines = [",".join(map(str, row)) for row in (_COLUMNS, *rows)]
        write_atomic(table, "\n".join(lines) + "\n")
        return [name for name, *_ in rows]

    def members(self, project: Project, target: str) -> list[Mapping[str, Any]]:
        """Return the campaign's table with what became of each member."""
        from headrace.campaigns.campaign_access import open_campaign
        from headrace.campaigns.result_table import result_rows

        with open_campaign(project, target, self.campaign) as opened:
            return list(result_rows(opened.database, opened.id))

    def _write_sections(self, count: int) -> None:
        """Write those sections that are not there yet."""
        there = {path.name for path in self.sections.glob("line*")}
        missing = [n for n in range(1, count + 1) if f"line{n:02d}" not in there]
        if not missing:
            return
        self.say(f"computing the data of {len(missing)} sections, with noise")
        first = missing[0]
        self.run_script(
            "ert_make_example.py",
            str(self.sections),
            *("--count", str(count - first + 1), "--first", str(first)),
        )


def _of_table(text: str) -> str:
    """Return the example's file with members of a table, in packs of a few."""
    head, _, rest = text.partition("[members]")
    steps = rest[rest.index("[start]\n") :]
    steps = re.sub(r"^pack = \d+ ", f"pack = {_PACK} ", steps, flags=re.MULTILINE)
    # The workers of both endpoints share this machine.
    steps = steps.replace("{ attempts = 1 }", "{ attempts = 1, cores = 1 }", 1)
    title = head[head.index("title = ") :]
    return f"# Sections of three sites, those of a higher priority first.\n{title}{_MEMBERS}{steps}"
