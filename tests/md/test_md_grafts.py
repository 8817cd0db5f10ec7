"""A graft that is added to a campaign of `md` under way, by its driver at a real facility."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("globus_compute_endpoint", reason="needs the extra `endpoint` (Linux)")
if shutil.which("gmx") is None and importlib.util.find_spec("openmm") is None:
    pytest.skip("needs gmx, or the extra `md`", allow_module_level=True)

from headrace.campaigns import load_campaign
from headrace.campaigns.campaign_access import change_campaign_ledger, open_campaign
from headrace.campaigns.campaign_start import start_campaign
from headrace.campaigns.driver.events import CampaignEvent, LegEnded
from headrace.campaigns.driver.project_driver import ProjectDriver
from headrace.campaigns.status import read_status
from headrace.facility import stop_facility
from headrace.md.water_boxes import available_engine
from headrace.project.targets import connect
from tests.support.md.project import Simulations

BOXES = ("box01", "box02")


@pytest.fixture
def simulations(tmp_path: Path) -> Iterator[Simulations]:
    found = Simulations(tmp_path / "project", available_engine())
    yield found
    stop_facility(found.root)


def test_a_graft_that_is_added_after_half_the_campaign_runs_for_all_legs(
    simulations: Simulations,
) -> None:
    file = simulations.root / "campaigns" / "md.toml"
    text = file.read_text()
    graft = tomllib.loads(text)["after"]["leg"]
    first, end = text.index("[after.leg]"), text.index("[results]")
    file.write_text(text[:first] + text[end:])
    file.with_suffix(".csv").write_text(
        "name,engine,temperature\n" + "".join(f"{box},{simulations.engine},300\n" for box in BOXES)
    )
    for box in BOXES:
        simulations.write_box(box, steps=1200)
    project = simulations.project
    with change_campaign_ledger(project, "local") as ledger:
        start_campaign(project, load_campaign(project, "md"), ledger, "tester")

    body = simulations.root / "graft.json"
    body.write_text(json.dumps(graft["input"]))
    added: list[Future[Any]] = []
    ended: list[LegEnded] = []

    def add() -> None:
        words = ["campaign", "graft", "md", graft["flow"], "--after", "leg", "--input", str(body)]
        command = [sys.executable, "-m", "headrace.cli", "-C", str(simulations.root), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    with ThreadPoolExecutor(1) as threads:

        def take(event: CampaignEvent) -> None:
            if isinstance(event, LegEnded) and event.done:
                ended.append(event)
                if len(ended) == len(BOXES):
                    added.append(threads.submit(add))

        driver = ProjectDriver(
            project, "local", lambda: connect(project, "local", start=True), print, on_event=take
        )
        with driver:
            driver.run(["md"])
            added[0].result()
            driver.run(["md"])
    with open_campaign(project, "local", "md") as found:
        counts = read_status(found.database, found.row, found.campaign).counts
    assert counts["done"] == len(BOXES)
    assert len(ended) == 2 * len(BOXES)
    results = simulations.root / "data" / "results" / "md"
    pictures = {str(path.relative_to(results).parent) for path in results.rglob("quicklook.png")}
    assert pictures == {str(path.relative_to(results).parent) for path in results.rglob("leg.json")}
    assert len(pictures) == 2 * len(BOXES)
