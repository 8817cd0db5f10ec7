from __future__ import annotations

from pathlib import Path

import pytest

from headrace.config import ProjectError, local_id, resolve_target
from headrace.config.project_config import at_option
from headrace.project import load_project
from tests.support.ids import an_id


def test_what_the_file_says_is_there_under_its_names(root: Path) -> None:
    project = load_project(root)
    assert project.name == "small"
    assert project.collections["here"].root == root / "data"
    assert project.collections["there"].root == Path("/scratch/there")
    assert project.endpoints["machine"].options == {"workers": 2}
    assert project.config.notify == {"command": "mail me@example.org"}


def test_the_project_is_found_from_any_directory_below(root: Path) -> None:
    below = root / "flows" / "say"
    assert load_project(below).root == root
    assert load_project(root / "headrace.toml").root == root


def test_without_a_file_the_way_out_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"no headrace\.toml here or above: run `headrace init`"):
        load_project(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[colections.a]\nroot = 'x'",
            r"headrace\.toml:1: colections: unknown key; did you mean 'collections'\? known here:",
        ),
        ("[collections.a]\nroot = 3", r"headrace\.toml:2: collections\.a\.root: expected text"),
        ("\n[collections.a]\nid = '1'\nroot = 'x'", r":3: collections\.a\.id: expected a UUID"),
        ("[selections.a]\nlabel = ['']", r":2: selections\.a\.label: .*texts that are not blank"),
        ("[selections.a]\nsince = ' '", r":2: selections\.a\.since: .*a text that is not blank"),
        ("[collections.a]", r":1: collections\.a\.root: missing"),
        ("[collections]\na = 'x'", r":2: collections\.a: expected a table, found 'x'"),
        ("[endpoints.e]\ntemplate = 'l'\ntemplat = 'l'", r":3: endpoints\.e\.templat: unknown"),
        ("[endpoints.e]\noptions = 1", r":2: endpoints\.e\.options: expected a table"),
        ("[notify]\ncommand = true", r":2: notify\.command: expected text, found True"),
        ("[web]\nport = 8080\nuds = 'web.sock'", r":3: web\.uds: it goes in the place of `port`"),
        ("[web]\nuds = ''", r":2: web\.uds: expected a text that is not empty"),
        ("[web]\nroot_path = 'node/n1'", r":2: web\.root_path: expected a path that begins with"),
        ("[web]\nroot_path = '//elsewhere'", r":2: web\.root_path: expected a path that begins"),
        ("[web]\n\nnames = ['a.example:8']", r":3: web\.names: .* a host, without a port"),
        ("[web]\nnames = ['http://a.example']", r":2: web\.names: .* a host, without a port"),
        ("[collections.'a b']\nroot = 'x'", r"name 'a b': use letters, digits"),
        ("a = = 1", r"headrace\.toml:1:5: not TOML"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_key(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "headrace.toml").write_text(text)
    with pytest.raises(ProjectError, match=message) as caught:
        load_project(tmp_path)
    assert "\n" not in str(caught.value)


def test_ids_are_those_of_the_file_or_follow_from_the_name(root: Path) -> None:
    project = load_project(root)
    given = an_id("there")
    assert project.collection_id("there", "local") == given
    assert project.collection_id("there", "globus") == given
    assert project.collection_id("here", "local") == local_id("collection", "here")
    with pytest.raises(ProjectError, match=r"collection 'here' has no id: add `id"):
        project.collection_id("here", "globus")
    with pytest.raises(ProjectError, match=r"no endpoint 'mashine'.*known: machine"):
        project.endpoint_id("mashine", "local")


def test_the_place_is_given_or_in_the_environment_or_local(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("HEADRACE_AT", raising=False)
    assert resolve_target() == "local"
    monkeypatch.setenv("HEADRACE_AT", "globus")
    assert resolve_target() == "globus"
    assert resolve_target("local") == "local"
    monkeypatch.setenv("HEADRACE_AT", "moon")
    with pytest.raises(ProjectError, match="no target 'moon'"):
        resolve_target()


@pytest.mark.parametrize(
    ("variable", "local", "globus"),
    [
        (None, "", " --at globus"),
        ("", "", " --at globus"),
        ("local", "", " --at globus"),
        # Left out, it would be the other target where a person's shell has it, too.
        ("globus", " --at local", " --at globus"),
    ],
)
def test_commands_that_are_shown_name_a_target_that_is_not_the_default(
    monkeypatch: pytest.MonkeyPatch, variable: str | None, local: str, globus: str
) -> None:
    monkeypatch.delenv("HEADRACE_AT", raising=False)
    if variable is not None:
        monkeypatch.setenv("HEADRACE_AT", variable)
    assert (at_option("local"), at_option("globus")) == (local, globus)
