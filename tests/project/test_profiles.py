"""`[profiles.NAME]`: what is otherwise at another place or site."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from headrace.config import ProjectError
from headrace.project import load_project
from headrace.project.effective_settings import settings

ID, SITE_ID = str(uuid.uuid4()), str(uuid.uuid4())
FILE = f"""
[collections.hpc]
root = "scratch"

[endpoints.simulation]
template = "local"
options = {{ workers = 1, queue = "short" }}

[profiles.globus.collections.hpc]
id = "{ID}"

[profiles.site.collections.hpc]
id = "{SITE_ID}"
root = "/pscratch/data"

[profiles.site.endpoints.simulation]
template = "slurm"
options = {{ queue = "regular" }}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "headrace.toml").write_text(FILE)
    return tmp_path


def test_a_place_uses_the_profile_of_its_name(root: Path) -> None:
    assert load_project(root).collections["hpc"].id is None
    project = load_project(root, target="globus")
    assert project.collection_id("hpc", "globus") == ID
    assert project.collections["hpc"].root == root / "scratch"
    assert project.config.profile == "globus"


def test_a_named_profile_wins_and_the_rest_stays(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_PROFILE", "site")
    project = load_project(root, target="globus")
    assert project.collection_id("hpc", "globus") == SITE_ID
    assert project.collections["hpc"].root == Path("/pscratch/data")
    assert project.endpoints["simulation"].template == "slurm"
    assert project.endpoints["simulation"].options == {"workers": 1, "queue": "regular"}
    told = {row["key"]: row for row in settings(project, "globus")}
    assert told["profile"] == {"key": "profile", "value": "site", "source": "HEADRACE_PROFILE"}
    line = FILE.splitlines().index(f'id = "{SITE_ID}"') + 1
    assert told["collections.hpc.id"]["source"] == f"headrace.toml:{line}"


def test_the_environment_wins_over_a_profile(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_COLLECTION_HPC_ROOT", "/elsewhere")
    assert load_project(root, "site").collections["hpc"].root == Path("/elsewhere")


def test_an_unknown_profile_names_those_there_are(root: Path) -> None:
    with pytest.raises(ProjectError, match=r"no \[profiles\.sight\].*: globus, site"):
        load_project(root, "sight")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[profiles.site.collections.hpc]\nroot = 3", r":2: collections\.hpc\.root: expected text"),
        ("[profiles.site]\nname = 'x'", r":2: profiles\.site\.name: unknown key; known here:"),
        ("[profiles]\nsite = 3", r":2: profiles\.site: expected a table"),
    ],
)
def test_a_mistake_in_a_profile_has_its_line(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "headrace.toml").write_text(text)
    with pytest.raises(ProjectError, match=words):
        load_project(tmp_path, "site")
