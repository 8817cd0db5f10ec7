from __future__ import annotations

from pathlib import Path

import pytest

from headrace.config import ProjectError
from headrace.project import init_project, load_project
from headrace.project.pipeline_inventory import pipeline_document
from headrace.project.pipelines import find_pipelines, owner_of, shared_job_scripts


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project whose pipeline `beam` has parts of its own name and parts that these name."""
    return write(
        tmp_path,
        {
            "headrace.toml": '[collections.here]\nroot = "data"\n',
            "flows/beam/definition.json": "{}",
            "flows/beam/flow.toml": 'title = "Beam time"\n',
            "flows/beam_dump/definition.json": "{}",
            "compute_functions/beam_fit.py": "from headrace.datarun.fit import fit_traces\n"
            'SCRIPTS = ["beam_fit.sbatch", "lost.sbatch"]\n',
            "compute_functions/beam_dump.py": "",
            "compute_functions/calibrate.py": "",
            "compute_functions/unused.py": "",
            "job_scripts/beam_fit.sbatch": 'source "$here/ranks.sh"\npython "${here}/solve.py"\n',
            "job_scripts/ranks.sh": "",
            "job_scripts/solve.py": "from headrace.seismic.solvers.cli import main\n",
            "job_scripts/other.sh": "",
            "job_scripts/ended.py": "",
            "triggers/night.toml": '[watch]\ncollection = "here"\n'
            'check = "python job_scripts/ended.py"\n[start]\nflow = "beam"\n[start.input]\n'
            'do = [{ function = "calibrate" }, { function = "gone" }]\n'
            'on = { endpoint = "cluster" }\n',
            "campaigns/scan.toml": '[members]\ntable = "scan.csv"\n[[steps]]\nname = "fit"\n'
            'flow = "beam"\ninput = { on = { endpoint = "{endpoint}" } }\n'
            '[lanes.own]\nendpoint = "farm"\n[after.leg]\nflow = "beam_dump"\n'
            '[after.member]\nflow = "movie"\n',
            "campaigns/scan.csv": "name\n",
            "campaigns/beam_dump_2.toml": "[members]\n",
            "triggers/stray.toml": '[start]\nflow = "nowhere"\n',
            "triggers/broken.toml": "[start",
        },
    )


def test_parts_are_found_by_name_and_by_what_names_them(root: Path) -> None:
    found = find_pipelines(root)
    assert list(found) == ["beam", "beam_dump", "nowhere"]
    beam = found["beam"]
    assert (beam.title, beam.flow) == ("Beam time", "beam")
    assert beam.functions == ("beam_fit", "calibrate")
    assert beam.job_scripts == ("beam_fit.sbatch", "ended.py", "ranks.sh", "solve.py")
    assert beam.triggers == ("night",)
    assert (beam.campaigns, beam.tables) == (("scan",), ("scan.csv",))
    assert found["beam_dump"].campaigns == ("beam_dump_2",)
    assert beam.endpoints == ("cluster", "farm")
    assert beam.grafts == ("beam_dump", "movie")
    assert beam.needs == ("datarun", "endpoint", "inversion")
    assert found["beam_dump"].functions == ("beam_dump",)
    assert found["beam_dump"].job_scripts == ()


def test_missing_parts_are_named(root: Path) -> None:
    assert find_pipelines(root)["beam"].missing == (
        "compute_functions/gone.py",
        "flows/movie",
        "job_scripts/lost.sbatch",
    )
    assert find_pipelines(root)["nowhere"].missing == ("flows/nowhere",)
    assert find_pipelines(root)["nowhere"].flow is None
    missing = pipeline_document(load_project(root), "local", "beam")["missing"]
    assert "[endpoints.cluster] in headrace.toml" in missing
    assert "[collections.here] in headrace.toml" not in missing


def test_an_extra_that_is_not_installed_is_missing_here(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "headrace.project.pipeline_inventory.is_installed", lambda extra: extra != "datarun"
    )
    project = load_project(root)
    assert "headrace[datarun]" in pipeline_document(project, "local", "beam")["missing"]
    # At the hosted services jobs run elsewhere.
    assert "headrace[datarun]" not in pipeline_document(project, "globus", "beam")["missing"]


@pytest.mark.parametrize(
    ("stem", "owner"),
    [("a", "a"), ("a_fit", "a"), ("a_b", "a_b"), ("a_b_fit", "a_b"), ("ab", None), ("b", None)],
)
def test_the_longest_name_owns_a_file(stem: str, owner: str | None) -> None:
    assert owner_of(stem, ["a", "a_b"]) == owner


def test_a_pipeline_that_is_not_there(root: Path) -> None:
    with pytest.raises(ProjectError, match=r"no pipeline 'baem' in .*; did you mean 'beam'\?"):
        pipeline_document(load_project(root), "local", "baem")


@pytest.mark.parametrize(
    ("name", "needs"),
    [
        ("adjoint_sources", ["endpoint", "seismic"]),
        ("inversion", ["endpoint", "inversion"]),
        ("data_run", ["datarun", "endpoint"]),
        ("sweep", ["endpoint"]),
        ("md", ["endpoint", "md"]),
        ("ert", ["endpoint", "ert"]),
    ],
)
def test_pipelines_of_the_repository_have_one_name_everywhere(
    repository: Path, name: str, needs: list[str]
) -> None:
    document = pipeline_document(load_project(repository), "globus", name)
    assert document["flow"] == name
    # Members of a campaign come by its table.
    assert document["triggers"] == ([] if name in ("sweep", "md", "ert") else [name])
    assert document["needs"] == needs
    assert document["missing"] == []
    parts = [*document["functions"], *document["job_scripts"]]
    assert {part for part in parts if not part.startswith(name)} <= {"launch_ranks.sh"}
    assert (repository / "docs" / f"{name}.md").is_file()


def test_every_file_of_the_repository_belongs_to_a_pipeline_or_is_shared(repository: Path) -> None:
    found = find_pipelines(repository)
    owned = {path for pipeline in found.values() for path in pipeline.files(repository)}
    shared = {Path("job_scripts") / name for name in shared_job_scripts(repository)}
    there = {
        path.relative_to(repository)
        for folder in ("flows", "compute_functions", "job_scripts", "triggers", "campaigns")
        for path in (repository / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert there == owned | shared
    assert {path.name for path in shared} == {"launch_ranks.sh", "site_command.sbatch"}


def test_a_new_project_with_one_pipeline_misses_nothing(tmp_path: Path) -> None:
    for name in ("adjoint_sources", "inversion", "data_run", "sweep", "md", "ert", "minimal"):
        root = tmp_path / name
        init_project(root, [name])
        grafts = ["md_quicklook"] if name == "md" else []
        assert list(find_pipelines(root)) == [name, *grafts]
        assert pipeline_document(load_project(root), "globus", name)["missing"] == []
