"""A project of which every page has something to show, deployed to a service that is a facility."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from headrace.campaigns.ledger.member import NewMember
from headrace.config.ids import local_id
from headrace.deploy import apply, plan
from headrace.facility import start_facility, stop_facility
from headrace.hosted import Services
from headrace.project import connect, facility_settings, init_project, load_project
from headrace.runs import BatchedRun, start_batch
from tests.support.browser.visited_project import VisitedProject
from tests.support.campaign_project import CampaignHistory
from tests.support.chosen_runs import write_flow
from tests.support.hosted_developer import Developer
from tests.support.web import WebSite

ONLY_LOCAL = "known at local only"
FUNCTION = '''\
def halve(word: str) -> float:
    """Halve a number."""
    return float(word) / 2
'''
COMPUTE: dict[str, Any] = {
    "StartAt": "Compute",
    "States": {
        "Compute": {
            "Type": "Action",
            "ActionUrl": "https://compute.actions.globus.org/v3",
            "Parameters": {
                "endpoint_id.$": "$.endpoint",
                "tasks": [{"function_id.$": "$.function", "kwargs": {"word.$": "$.word"}}],
            },
            "ResultPath": "$.computed",
            "End": True,
        }
    },
}


class HostedProject(VisitedProject):
    """The project at ``globus``, with runs and a campaign of its own facility that differ.

    What is at the project's own facility has the same names: its runs have another label, its
    trigger and its campaign are paused.

    Its two collections are the services' own of the same ids; of its endpoints ``simulation`` is
    one of the services', and ``analysis`` was never created there.

    Args:
        place: an empty directory: the project is ``project`` there, the services ``services``.
        patch: sets the variables by which the services are found.

    Attributes:
        local_runs: ids of the runs of its own facility.
        only_local: texts that no page of another target may have: labels, causes, ids.
    """

    def __init__(self, place: Path, patch: pytest.MonkeyPatch) -> None:
        self._service = place / "services"
        self._patch = patch
        self.local_runs: list[str] = []
        self.only_local: tuple[str, ...] = ()
        try:
            super().__init__(place / "project", target="globus")
        except BaseException:
            stop_facility(self._service)
            raise

    def close(self) -> None:
        """Stop the services, and the project's own facility."""
        super().close()
        stop_facility(self._service)

    def _connect(self) -> Services:
        self._begin_services()
        self._begin_local()
        home = self._service.parent / "home"
        home.mkdir()
        for name, value in Developer(self.root, self._service, home).environment.items():
            self._patch.setenv(name, value)
        return super()._connect()

    def compute(self, word: str) -> str:
        """Start a run whose task, at the services' endpoint, fails for a word that is no number."""
        deployed = self.project.lock().at(self.target)
        given = {
            "endpoint": self.project.endpoint_id("simulation", self.target),
            "function": deployed.functions["halve"].id,
            "word": word,
        }
        return self.start("halve", [BatchedRun(given, label=f"half of {word}")])[0]

    def _begin_services(self) -> None:
        """Start the services, and name what of them the project uses."""
        init_project(self._service, ["adjoint_sources", "transfer", "data_run"])
        file = self._service / "headrace.toml"
        own = self.root / "headrace.toml"
        text = own.read_text()
        file.write_text(re.sub(r'root = "(.*?)"', rf'root = "{self.root}/\1"', file.read_text()))
        for kind, name in (
            ("collection", "workstation"),
            ("collection", "hpc"),
            ("endpoint", "simulation"),
        ):
            table = f"[{kind}s.{name}]\n"
            text = text.replace(table, f'{table}id = "{local_id(kind, name)}"\n')
        own.write_text(text)
        (self.root / "compute_functions" / "halve.py").write_text(FUNCTION)
        write_flow(self.root, "halve", COMPUTE)
        start_facility(self._service, facility_settings(load_project(self._service)))
        self.project = load_project(self.root, target=self.target)

    def _begin_local(self) -> None:
        """Give the project's own facility runs, an arrival, changes and a campaign that failed."""
        project = load_project(self.root)
        start_facility(self.root, facility_settings(project))
        services = connect(project, "local")
        apply(plan(project, "local", services), project, services)
        flows = project.lock().at("local").flows
        for name, given in (("fail", {"cause": ONLY_LOCAL}), ("ask", {}), ("later", {})):
            run = BatchedRun(given, label=ONLY_LOCAL, tags=[ONLY_LOCAL])
            start_batch(services, flows[name].id, [run])
        self.call("watch", "records", "--once", "--existing", "run", "--at", "local")
        self.call("run", "hold", "--tag", ONLY_LOCAL, "--yes", "--at", "local")
        history = CampaignHistory(project)
        history.add([NewMember("replica_001", {"name": "replica_001"}, group="wild")])
        history.failed(["replica_001"], ONLY_LOCAL)
        web = WebSite(self.root)
        web.send_form("triggers", "pause", trigger="records")
        web.send_form("campaigns/napa", "pause", reason=ONLY_LOCAL)
        web.close()
        runs = services.read("/runs", {"per_page": 100})["runs"]
        self.local_runs = [str(run["run_id"]) for run in runs]
        self.only_local = (ONLY_LOCAL, *self.local_runs, *(flow.id for flow in flows.values()))
