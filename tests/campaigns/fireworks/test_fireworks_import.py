"""Workflow files of FireWorks become campaigns, and what cannot is told with its reason."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from headrace.campaigns import CampaignError, read_campaign
from headrace.campaigns.fireworks.campaign_import import ImportedCampaign, import_fireworks
from headrace.campaigns.fireworks.task_commands import task_script
from headrace.campaigns.fireworks.tasks import NotTakenOver
from headrace.campaigns.fireworks.workflow_file import read_workflow_file
from headrace.campaigns.members import read_members
from headrace.project import Project, load_project

# As `Workflow.to_file` of FireWorks 2.1 writes it.
WORKFLOW: dict[str, Any] = {
    "fws": [
        {
            "fw_id": -2,
            "name": "relax",
            "spec": {
                "_category": "gpu",
                "_priority": 5,
                "_queueadapter": {"walltime": "01:00:00", "ppnode": 4, "account": "m1"},
                "_tasks": [
                    {
                        "_fw_name": "FileWriteTask",
                        "files_to_write": [{"filename": "in.txt", "contents": "it's 1 < 2\n"}],
                    },
                    {
                        "_fw_name": "ScriptTask",
                        "script": ["cat in.txt", "echo $((1+1))"],
                        "stdout_file": "out.txt",
                    },
                ],
            },
        },
        {
            "fw_id": -1,
            "name": "Unnamed FW",
            "spec": {
                "_tasks": [{"_fw_name": "ScriptTask", "script": "echo 'To be, or not to be,'"}]
            },
        },
        {
            "fw_id": -3,
            "name": "sum",
            "spec": {
                "_tasks": [
                    {
                        "_fw_name": "{{fireworks.user_objects.firetasks.script_task.PyTask}}",
                        "func": "math.hypot",
                        "args": [3],
                        "inputs": ["side"],
                        "stored_data_varname": "c",
                    }
                ],
                "side": 4,
                "_dupefinder": {"_fw_name": "DupeFinderExact"},
            },
        },
    ],
    "links": {"-1": [-2, -3], "-2": [-3], "-3": []},
    "name": "hamlet",
    "metadata": {},
    "created_on": "2026-03-01T12:00:00",
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "headrace.toml").write_text(
        '[collections.workstation]\nroot = "data"\n[collections.hpc]\nroot = "scratch"\n'
        "[endpoints.simulation]\n"
    )
    (tmp_path / "flows" / "sweep").mkdir(parents=True)
    return load_project(tmp_path)


def imported(project: Project, values: Any, name: str = "hamlet.json") -> ImportedCampaign:
    file = project.root / name
    file.write_text(json.dumps(values))
    return import_fireworks(project, [file])


def run(script: str, directory: Path) -> subprocess.CompletedProcess[str]:
    home = directory / "home"
    home.mkdir(exist_ok=True)
    environment = {**os.environ, "HOME": str(home)}
    return subprocess.run(
        ["bash", "-c", script],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def script_of(task: dict[str, Any], spec: dict[str, Any] | None = None) -> str:
    return "\n".join(["set -e", *task_script(task, spec or {}, Path()).lines])


def single(*tasks: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"spec": {"_tasks": list(tasks), **spec}}


def test_fireworks_are_members_and_links_are_needs(project: Project) -> None:
    made = imported(project, WORKFLOW)
    assert made.name == "hamlet"
    campaign = read_campaign(project.root / "campaigns" / "hamlet.toml")
    members = list(read_members(campaign))
    assert [(one.key, one.needs) for one in members] == [
        ("hamlet-1", ()),
        ("hamlet-2", ("hamlet-1",)),
        ("hamlet-3", ("hamlet-1", "hamlet-2")),
    ]
    relax = members[1]
    assert (relax.category, relax.priority, relax.group) == ("gpu", 5.0, "hamlet")
    assert (relax.row["name"], relax.row["walltime"], relax.row["cores"]) == (
        "relax",
        "01:00:00",
        4,
    )
    assert [str(line).rpartition("/")[2] for line in made.notes] == [
        "hamlet.json: firework 2: _queueadapter: account: write it in [start.member] or settings "
        "of the campaign",
        "hamlet.json: firework 3: _dupefinder: equal Fireworks run twice: members.hash of the "
        "campaign shares equal work",
    ]
    assert made.refused == ()


@pytest.mark.service
def test_commands_do_what_their_firetasks_did(project: Project, tmp_path: Path) -> None:
    first, second, third = imported(project, WORKFLOW).members
    work = tmp_path / "work"
    work.mkdir()
    assert run(first["command"], work).stdout == "To be, or not to be,\n"
    assert run(second["command"], work).returncode == 0
    assert (work / "out.txt").read_text() == "it's 1 < 2\n2\n"
    assert json.loads(run(third["command"], work).stdout) == {"c": 5.0}


@pytest.mark.service
@pytest.mark.parametrize(
    ("task", "code"),
    [
        ({"script": ["false", "touch after"]}, 1),
        ({"script": ["false", "touch after"], "fizzle_bad_rc": False}, 0),
        ({"script": "exit 3", "use_shell": True}, 3),
        ({"script": "cat -u", "use_shell": False, "stdin_key": "text"}, 0),
        ({"script": "echo $0", "shell_exe": "/bin/bash"}, 0),
    ],
)
def test_a_script_ends_at_the_first_line_that_fails(
    task: dict[str, Any], code: int, tmp_path: Path
) -> None:
    done = run(script_of({"_fw_name": "ScriptTask", **task}, {"text": "it's\n"}), tmp_path)
    assert done.returncode == code, done.stderr
    assert not (tmp_path / "after").exists()
    if "stdin_key" in task:
        assert done.stdout == "it's\n"
    if "shell_exe" in task:
        assert done.stdout == "/bin/bash\n"


@pytest.mark.service
def test_files_are_moved_packed_and_deleted(tmp_path: Path) -> None:
    (tmp_path / "a b.txt").write_text("1")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "c").write_text("2")
    for task in (
        {
            "_fw_name": "FileTransferTask",
            "mode": "copy",
            "files": [{"src": "a b.txt", "dest": "~/$NAME it's.txt"}],
        },
        {"_fw_name": "FileTransferTask", "mode": "copytree", "files": ["sub"], "dest": "sub2"},
        {
            "_fw_name": "FileTransferTask",
            "mode": "mv",
            "files": ["none"],
            "dest": "x",
            "ignore_errors": True,
        },
        {"_fw_name": "FileDeleteTask", "files_to_delete": ["a b.txt", "none"]},
        {"_fw_name": "CompressDirTask", "dest": "sub"},
        {"_fw_name": "ArchiveDirTask", "base_name": "all", "format": "tar"},
    ):
        done = run(f"export NAME=n\n{script_of(task)}", tmp_path)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "home" / "n it's.txt").read_text() == "1"
    assert (tmp_path / "sub2" / "c").read_text() == "2"
    assert not (tmp_path / "a b.txt").exists()
    assert (tmp_path / "sub" / "c.gz").exists()
    assert (tmp_path / "all.tar").exists()
    run(script_of({"_fw_name": "DecompressDirTask", "dest": "sub"}), tmp_path)
    assert (tmp_path / "sub" / "c").read_text() == "2"


@pytest.mark.service
def test_a_template_is_filled_in_when_it_is_taken_over(tmp_path: Path) -> None:
    pytest.importorskip("jinja2")
    (tmp_path / "t.txt").write_text("{{ a }} {% for x in xs %}{{ x }};{% endfor %} it's\n")
    task = {
        "_fw_name": "Template Writer Task",
        "template_file": "t.txt",
        "output_file": "o.txt",
        "context": {"a": 5.0, "xs": [1, 2]},
    }
    task["_fw_name"] = "TemplateWriterTask"
    script = task_script(task, {}, tmp_path)
    assert run("\n".join(script.lines), tmp_path).returncode == 0
    assert (tmp_path / "o.txt").read_text() == "5.0 1;2; it's"
    with pytest.raises(NotTakenOver, match=r"there is no none\.txt in "):
        task_script({**task, "template_file": "none.txt"}, {}, tmp_path)


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        ({"_fw_name": "Fibonacci Adder Task"}, "Fibonacci Adder Task: is Python code of its own"),
        ({"_fw_name": "PyTask", "func": "fireworks.core.x"}, "which is FireWorks' own"),
        ({"_fw_name": "PyTask", "func": "math.sin", "outputs": ["y"]}, "puts its outputs into"),
        ({"_fw_name": "PyTask", "func": "math.sin", "inputs": ["y"]}, "reads 'y', which other"),
        ({"_fw_name": "ScriptTask", "script": "cat", "stdin_key": "y"}, "reads 'y', which other"),
        ({"_fw_name": "ScriptTask"}, "ScriptTask without script"),
        (
            {"_fw_name": "FileTransferTask", "mode": "rtransfer", "files": []},
            "copies to another machine by ssh",
        ),
        ({"_fw_name": "CommandLineTask", "command_spec": {}}, "without a plain command"),
    ],
)
def test_what_cannot_be_taken_over_has_its_reason(
    project: Project, task: dict[str, Any], reason: str
) -> None:
    workflow = {
        "fws": [
            {"fw_id": 1, **single(task)},
            {"fw_id": 2, **single({"_fw_name": "ScriptTask", "script": "echo"})},
            {"fw_id": 3, **single({"_fw_name": "ScriptTask", "script": "echo"})},
        ],
        "links": {"1": 2},
    }
    made = imported(project, workflow)
    assert [row["key"] for row in made.members] == ["hamlet-3"]
    first, second = made.refused
    assert reason in str(first)
    assert str(first).startswith(f"{project.root}/hamlet.json: firework 1: ")
    assert second.reason == "needs firework 1, which is not taken over"


def test_nothing_is_written_where_nothing_is_taken_over(project: Project) -> None:
    made = imported(project, single({"_fw_name": "Addition Task"}, input_array=[1, 2]))
    assert (made.members, made.files) == ((), ())
    assert not (project.root / "campaigns").exists()


def test_fireworks_that_have_run_are_left_out(project: Project) -> None:
    workflow = json.loads(json.dumps(WORKFLOW))
    workflow["fws"][1]["state"] = "COMPLETED"
    made = imported(project, workflow)
    assert [(row["key"], row["needs"]) for row in made.members] == [
        ("hamlet-2", []),
        ("hamlet-3", ["hamlet-2"]),
    ]
    assert [line.reason for line in made.refused] == ["is COMPLETED: it has run"]


def test_several_files_of_one_name_are_one_campaign(project: Project) -> None:
    files = []
    for folder in ("a", "b"):
        (project.root / folder).mkdir()
        file = project.root / folder / "fw.json"
        file.write_text(json.dumps(single({"_fw_name": "ScriptTask", "script": f"echo {folder}"})))
        files.append(file)
    made = import_fireworks(project, files, "both")
    assert [row["key"] for row in made.members] == ["fw", "fw.2"]
    assert [str(file) for file in made.files] == [
        "campaigns/both.toml",
        "campaigns/both-members.json",
    ]
    with pytest.raises(CampaignError, match="is there already: choose another name"):
        import_fireworks(project, files, "both")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"a": 1}, "holds no Firework"),
        ({"fws": [{"fw_id": 1}]}, "it has no spec"),
        ({"fws": [{"fw_id": "x", "spec": {}}]}, "'x' is no number of a Firework"),
        ({"fws": [{"fw_id": 1, "spec": {}}] * 2}, "two Fireworks have the number 1"),
        ({"fws": [{"fw_id": 1, "spec": {}}], "links": {"1": [7]}}, "links name Firework 7"),
        (
            {"fws": [{"fw_id": n, "spec": {}} for n in (1, 2)], "links": {"1": 2, "2": 1}},
            "links go round in a circle at firework 1",
        ),
    ],
)
def test_a_file_that_is_none_of_fireworks_is_named(
    project: Project, values: Any, message: str
) -> None:
    with pytest.raises(CampaignError) as caught:
        imported(project, values)
    assert message in str(caught.value)
    assert str(project.root / "hamlet.json") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_yaml_is_read_as_json_is(project: Project) -> None:
    yaml = pytest.importorskip("yaml")
    file = project.root / "w.yaml"
    file.write_text(yaml.safe_dump(WORKFLOW))
    assert len(import_fireworks(project, [file]).members) == 3
    file.write_text("a: [")
    with pytest.raises(CampaignError, match="not valid YAML"):
        import_fireworks(project, [file], "other")


TUTORIAL = Path(os.environ.get("HEADRACE_EXAMPLE_DATA", "")) / "fireworks" / "fw_tutorials"


@pytest.mark.service
@pytest.mark.skipif(
    not os.environ.get("HEADRACE_EXAMPLE_DATA") or not TUTORIAL.is_dir(),
    reason="no checkout of fireworks in HEADRACE_EXAMPLE_DATA",
)
def test_the_tutorial_of_fireworks_is_taken_over_and_runs(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All its workflows and Fireworks but those whose tasks are Python classes of the tutorial."""
    pytest.importorskip("jinja2")
    monkeypatch.syspath_prepend(TUTORIAL.parent)  # its templates are looked for in the package
    own = {"Add and Modify Task", "Fibonacci Adder Task", "Print Job Task", "Addition Task"}
    files = [
        file
        for file in sorted([*TUTORIAL.rglob("*.yaml"), *TUTORIAL.rglob("*.json")])
        if any(word in file.read_text() for word in ("_tasks", '"_tasks"'))
    ]
    assert len(files) > 15
    work = project.root / "work"
    taken = 0
    for number, file in enumerate(files):
        made = import_fireworks(project, [file], f"t{number}")
        reasons = [line for line in made.refused if not line.reason.startswith("needs firework")]
        for line in reasons:
            assert line.what in own, line
        for row in made.members:
            taken += 1
            directory = work / f"{number}-{row['key']}"
            directory.mkdir(parents=True)
            command = row["command"].replace("sleep 10", "sleep 0")
            done = run(command, directory)
            assert done.returncode == 0, (file, done.stderr)
    assert taken > 15
    hamlet = import_fireworks(project, [TUTORIAL / "workflow" / "hamlet_wf.yaml"])
    assert [run(row["command"], work).stdout for row in hamlet.members] == [
        "To be, or not to be,\n",
        "that is the question:\n",
    ]
    scratch = import_fireworks(project, [TUTORIAL / "scratch" / "fw_better_multi.yaml"])
    (row,) = scratch.members
    run(row["command"], work)
    assert (work / "words.txt").read_text().strip() == "5"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "spec: {_tasks: [&t [1, 2]], "
            + ", ".join(f"y{n}: &y{n} [*{f'y{n - 1}' if n else 't'} , *t]" for n in range(2))
            + ", z: !!python/name:os.system ''}",
            "not valid YAML",
        ),
        ("fws: [{fw_id: .inf, spec: {_tasks: []}}]", "is no number of a Firework"),
        (
            "a: &a [1, 2]\n"
            + "\n".join(f"b{n}: &b{n} [*{f'b{n - 1}' if n else 'a'} , *a]" for n in range(3))
            + "\nc: &c {d: *c}\nspec: {_tasks: []}\n",
            "an alias stands within",
        ),
    ],
)
def test_a_file_that_would_do_harm_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    pytest.importorskip("yaml")
    (tmp_path / "wf.yaml").write_text(text)
    with pytest.raises(CampaignError, match=reason):
        read_workflow_file(tmp_path / "wf.yaml")
