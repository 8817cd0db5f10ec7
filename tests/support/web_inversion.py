"""A project with an inversion by straight rays, whose iterations are run in this process."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from headrace.facility.errors import FacilityError
from headrace.seismic.inversion import Paths, commands
from headrace.seismic.inversion.pictures import draw_pictures
from tests.support.seismic.ray_inversion import HomeAndStaging
from tests.support.web import WebSite

PROJECT = """
name = "rays"
[collections.workstation]
root = "data"
[collections.hpc]
root = "scratch"
"""


def no_services() -> Any:
    """Stands for a facility that does not answer."""
    raise FacilityError("the facility does not answer")


class WebInversion:
    """The project, and its pages.

    Args:
        root: where it is made, or a project that is there, with the directories of a new one.
        name: directory of the inversion in ``data``.
        events: number of events.
    """

    def __init__(self, root: Path, name: str = "inversion", events: int = 2) -> None:
        root.mkdir(parents=True, exist_ok=True)
        config = root / "headrace.toml"
        if not config.exists():
            config.write_text(PROJECT)
        self.root = root
        self.name = name
        self.both = HomeAndStaging(root / "made", events=events, stations=3)
        (root / "data").mkdir(exist_ok=True)
        (root / "scratch").mkdir(exist_ok=True)
        # A new project has directories for an inversion, with nothing in them.
        shutil.copytree(root / "made" / "home", root / "data" / name, dirs_exist_ok=True)
        shutil.rmtree(root / "made")
        self._point()

    def _point(self) -> None:
        self.both.home = Paths(self.root / "data" / self.name)
        self.both.staging = Paths(self.root / "scratch" / self.name)

    @property
    def home(self) -> Path:
        """The inversion's directory."""
        return self.both.home.root

    def start(self) -> None:
        """Publishes the first iteration."""
        commands.start(self.home)

    def run(self, number: int, pictures: bool = False) -> dict[str, Any]:
        """Runs an iteration to its end."""
        answer = self.both.run(number)
        if pictures:
            staging = self.both.staging
            draw_pictures(staging.root, number)
            drawn = staging.outbox / f"{number:03d}" / "results" / "pictures"
            target = self.both.home.results(number) / "pictures"
            shutil.copytree(drawn, target, dirs_exist_ok=True)
        return answer

    def copied(self, root: Path) -> WebInversion:
        """Returns a copy for a test that changes it."""
        shutil.copytree(self.root, root, symlinks=True)
        other = object.__new__(WebInversion)
        other.root, other.name = root, self.name
        other.both = object.__new__(HomeAndStaging)
        other._point()
        return other

    def pages(self, role: Any = "steer") -> WebSite:
        """Opens its pages, where nothing answers for runs."""
        return WebSite(self.root, services=no_services, role=role)
