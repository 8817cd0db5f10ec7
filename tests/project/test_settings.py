from __future__ import annotations

import tomllib
import uuid
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from headrace.config import ProjectError
from headrace.config.project_config import HEADRACE_TOML
from headrace.config.project_file import CONFIG_FILE
from headrace.project import load_project
from headrace.project.effective_settings import settings
from tests.support.small_project import write_project


def by_key(root: Path, at: str | None = None) -> dict[str, tuple[object, str]]:
    return {row["key"]: (row["value"], row["source"]) for row in settings(load_project(root), at)}


@pytest.fixture(autouse=True)
def no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADRACE_AT", raising=False)


def test_every_value_has_its_source(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = (root / CONFIG_FILE).read_text().splitlines()
    line = 1 + lines.index("workers = 2")
    found = by_key(root)
    assert found["target"] == ("local", "default")
    assert found["endpoints.machine.options.workers"] == (2, f"headrace.toml:{line}")
    assert found["endpoints.machine.id"][1] == "made from its name"
    monkeypatch.setenv("HEADRACE_AT", "globus")
    assert by_key(root)["target"] == ("globus", "HEADRACE_AT")
    assert by_key(root, "local")["target"] == ("local", "--at")
    assert "endpoints.machine.id" not in by_key(root)


def test_the_environment_overrides_the_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = str(uuid.uuid4())
    monkeypatch.setenv("HEADRACE_COLLECTION_THERE_ROOT", "/elsewhere")
    monkeypatch.setenv("HEADRACE_ENDPOINT_MACHINE_ID", other)
    project = load_project(root)
    assert project.collections["there"].root == Path("/elsewhere")
    assert project.endpoint_id("machine", "globus") == other
    found = by_key(root)
    assert found["collections.there.root"] == ("/elsewhere", "HEADRACE_COLLECTION_THERE_ROOT")
    assert found["endpoints.machine.id"] == (other, "HEADRACE_ENDPOINT_MACHINE_ID")


def test_a_wrong_override_names_its_variable(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_ENDPOINT_MACHINE_ID", "x")
    with pytest.raises(ProjectError, match="HEADRACE_ENDPOINT_MACHINE_ID: expected a UUID"):
        load_project(root)


def test_a_webhook_s_secret_is_not_shown(root: Path) -> None:
    path = root / CONFIG_FILE
    path.write_text(path.read_text() + 'webhook = "https://hooks.example.org/secret"\n')
    assert by_key(root)["notify.webhook"][0] == "https://hooks.example.org/..."


def test_the_schema_knows_what_the_program_knows(root: Path, repository: Path) -> None:
    validator = Draft7Validator(HEADRACE_TOML.json_schema())
    Draft7Validator.check_schema(HEADRACE_TOML.json_schema())
    for path in (root / CONFIG_FILE, repository / CONFIG_FILE):
        assert list(validator.iter_errors(tomllib.loads(path.read_text()))) == []


@pytest.mark.parametrize(
    "text",
    [
        "[colections.a]\nroot = 'x'",
        "[collections.a]\nroot = 3",
        "[collections.a]\nroot = 'x'\nroots = 'x'",
        "[collections.a]",
        "[collections.'a b']\nroot = 'x'",
        "[endpoints.e]\ntemplat = 'l'",
        "[endpoints.e]\noptions = 1",
        "[notify]\nmail = 'x'",
        "[action_providers.a]\ntoken_file = 'x'",
        "nam = 'x'",
    ],
)
def test_what_the_program_refuses_the_schema_refuses(tmp_path: Path, text: str) -> None:
    root = write_project(tmp_path)
    (root / CONFIG_FILE).write_text(text)
    with pytest.raises(ProjectError):
        load_project(root)
    assert list(Draft7Validator(HEADRACE_TOML.json_schema()).iter_errors(tomllib.loads(text)))
