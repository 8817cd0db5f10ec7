"""The flows of globus/globus-flows-examples, and a project in which they run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from headrace.hosted import Services, services_at
from headrace.project import load_project
from tests.support.ids import an_id
from tests.support.waiting import wait_until

VARIABLE = "HEADRACE_FLOW_EXAMPLES"
TRANSFER = "transfer_examples"
WEB = "web_input_examples"
TAR = "compute_transfer_examples/tar_and_transfer"
ALL = [
    *(f"{TRANSFER}/{name}" for name in ("simple", "move", "two_hop")),
    *(f"{TRANSFER}/{name}" for name in ("looping_batched_move", "transfer_share")),
    *(f"{WEB}/{name}" for name in ("admin_signoff", "approved_publishing")),
    f"{WEB}/evaluate_preliminary_results",
    f"{TAR}/1",
    f"{TAR}/2",
]
PLACEHOLDER = "-".join(("11111111", "2222", "3333", "4444", "555555555555"))
GROUP, INDEX, ADA = an_id("shift crew"), an_id("reports"), an_id("ada")
PACK = '''"""Packs files into one archive."""


def pack(src_paths: list, dest_path: str, gcs_base_path: str) -> str:
    """Write an archive of files and directories; paths are those of the collection."""
    import pathlib
    import tarfile

    root = pathlib.Path(gcs_base_path)
    name = dest_path.rstrip("/") + "/packed.tar.gz"
    with tarfile.open(root / name.lstrip("/"), "w:gz") as archive:
        for path in src_paths:
            source = root / path.strip("/")
            archive.add(source, arcname=source.name)
    return name
'''
REPORT = '''"""A report about a directory."""


def report(id: str, path: str) -> dict:
    """Say what a report would say."""
    numbers = {"low": 2, "high": 7.5, "std_dev": 1, "confidence": 97}
    title = "Noise of " + path
    return {"title": title, "date": "2026-11-27", "report_path": path + "/r", **numbers}
'''
LOOK = '''"""A first look at an experiment."""


def look(experiment_id: str) -> dict:
    """Say how it goes."""
    return {
        "experiment_id": experiment_id,
        "experiment_runtime": 120,
        "measured_db": 7.5,
        "histogram_skew": 3,
        "confidence_pct": 91,
    }
'''


class ExamplesLab:
    """A project with three collections, an endpoint and three functions, and its facility."""

    def __init__(self, directory: Path, repository: Path) -> None:
        self.root = directory / "project"
        (self.root / "compute_functions").mkdir(parents=True)
        for name, text in (("pack", PACK), ("report", REPORT), ("look", LOOK)):
            (self.root / "compute_functions" / f"{name}.py").write_text(text)
        (self.root / "endpoint_configs").symlink_to(repository / "endpoint_configs")
        text = '[endpoints.machine]\ntemplate = "local"\n[endpoints.machine.options]\nworkers = 1\n'
        for name in ("here", "middle", "there"):
            (directory / name).mkdir()
            text += f'[collections.{name}]\nroot = "{directory / name}"\n'
        (self.root / "headrace.toml").write_text(text)
        self.directory = directory
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("GLOBUS", "HEADRACE_"))}
        self.environment = {**clean, "HOME": str(directory)}
        self.up()
        self.document("deploy")
        self.functions = {one["name"]: one["id"] for one in self.document("function", "list")}
        [endpoint] = self.document("endpoint", "list")
        self.endpoint = endpoint["id"]
        listed = self.document("config", "show")
        del listed
        self.collections = {name: self.id_of(name) for name in ("here", "middle", "there")}

    def up(self, **more: str) -> None:
        self.environment |= more
        self.headrace("facility", "up")
        self.led: dict[str, str] = self.document("facility", "env")
        self.services: Services = services_at(
            self.led["HEADRACE_FACILITY_URL"], self.led["HEADRACE_FACILITY_TOKEN"]
        )

    def id_of(self, collection: str) -> str:
        return load_project(self.root).collection_id(collection, "local")

    def headrace(self, *arguments: str) -> str:
        done = subprocess.run(
            [Path(sys.executable).parent / "headrace", "-C", str(self.root), *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def document(self, *arguments: str) -> Any:
        return json.loads(self.headrace(*arguments, "-F", "json"))

    def put(self, collection: str, path: str, text: str = "1") -> Path:
        place = self.directory / collection / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        return place

    def at(self, collection: str, path: str) -> dict[str, str]:
        return {"id": self.collections[collection], "path": path}

    def deploy(self, name: str, change: Callable[[str], str] = lambda text: text) -> str:
        """Deploys an example with ids of ours in the place of those that are to be filled in."""
        definition, schema = files(name)
        function = {"approved_publishing": "report", "evaluate_preliminary_results": "look"}
        chosen = self.functions[function.get(name.rpartition("/")[2], "pack")]
        text = definition.read_text()
        for field, value in (
            (f'"endpoint_id": "{PLACEHOLDER}"', f'"endpoint_id": "{self.endpoint}"'),
            (f'"function_id": "{PLACEHOLDER}"', f'"function_id": "{chosen}"'),
            (f'"search_index": "{PLACEHOLDER}"', f'"search_index": "{INDEX}"'),
            (PLACEHOLDER, GROUP),
            ("<INSERT YOUR GCS ENDPOINT ID HERE>", self.collections["middle"]),
            ("<INSERT YOUR COMPUTE ENDPOINT ID HERE>", self.endpoint),
            ("<INSERT YOUR COMPUTE FUNCTION ID HERE>", chosen),
            ('"gcs_base_path": "/"', f'"gcs_base_path": "{self.directory / "middle"}/"'),
        ):
            text = text.replace(field, value)
        body = json.loads(change(text))
        created = self.services.flows.create_flow(name[-100:], body, json.loads(schema.read_text()))
        return str(created["id"])

    def start(self, flow_id: str, body: dict[str, Any]) -> str:
        return str(self.services.flow(flow_id).run_flow(body)["run_id"])

    def ended(self, run_id: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            run: dict[str, Any] = self.services.flows.get_run(run_id).data
            return run if run["status"] in ("SUCCEEDED", "FAILED") else None

        return wait_until(look, f"the end of {run_id}", 120)

    def succeeded(self, run_id: str) -> dict[str, Any]:
        run = self.ended(run_id)
        assert run["status"] == "SUCCEEDED", run["details"]
        output: dict[str, Any] = run["details"]["output"]
        return output

    def run(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        return self.succeeded(self.start(self.deploy(name), body))

    def question(self, run_id: str) -> dict[str, Any]:
        def asked() -> str | None:
            return self.services.flows.get_run(run_id)["blocking_web_input_id"]

        found = wait_until(asked, f"the question of {run_id}", 120)
        return dict(self.services.flows.get_web_input(found).data)


def files(name: str) -> tuple[Path, Path]:
    examples = Path(os.environ[VARIABLE])
    if name.startswith(TAR):
        stem = examples / TAR / f"compute_transfer_example_{name[-1]}"
        return Path(f"{stem}_definition.json"), Path(f"{stem}_schema.json")
    return examples / name / "definition.json", examples / name / "input_schema.json"
