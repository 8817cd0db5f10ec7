"""Bad input through the real command and a real facility: one line, an exit code, nothing lost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from headrace.facility import stop_facility
from headrace.project import init_project

Command = Callable[..., subprocess.CompletedProcess[str]]

INPUT = {
    "event": "001",
    "waveforms": {"collection": "workstation", "path": "/incoming/001/"},
    "staging": {"collection": "hpc", "path": "/adjoint_sources/001/"},
    "results": {"collection": "workstation", "path": "/results/001/"},
    "compute": {
        "endpoint": {"endpoint": "simulation"},
        "function": {"function": "adjoint_sources"},
        "project": {"project_on": "simulation"},
        "options": {"options_of": "simulation"},
        "directory": {"directory": {"collection": "hpc", "path": "/adjoint_sources/001/"}},
    },
    "processing": {"config": "job_scripts/adjoint_sources.toml", "ranks": 1, "figures": "none"},
}


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    root = tmp_path / "project"
    init_project(root, ["adjoint_sources"])
    yield root
    stop_facility(root)


@pytest.fixture
def headrace(root: Path) -> Command:
    def call(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "headrace.cli", *arguments],
            cwd=root,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return call


@pytest.fixture
def body(root: Path) -> Path:
    """The input of a run, in a file, with waveforms in their place."""
    event = root / "data" / "incoming" / "001"
    for side in ("obs", "syn"):
        (event / side).mkdir(parents=True)
        lines = [f"{n * 0.06:.4f} {n % 7}.0" for n in range(20000)]
        (event / side / "AA.S01.BXY.semd").write_text("\n".join(lines))
    file = root / "input.json"
    file.write_text(json.dumps(INPUT))
    return file


def one_line(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """Checks how a failure is told."""
    told = done.stderr.strip().splitlines()
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    errors = [line for line in told if line.lower().startswith("error")]
    assert len(errors) == 1, done.stderr
    for word in words:
        assert word in errors[0]


def failed_run(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Checks how a run that failed is told."""
    told = done.stdout + done.stderr
    assert done.returncode == 1, told
    assert "Traceback" not in told
    line = next((line for line in done.stdout.splitlines() if words[0] in line), "")
    for word in words:
        assert word in line, told


def test_an_unknown_flow(headrace: Command):
    one_line(headrace("start", "adjoint_source"), 1, "adjoint_source", "adjoint_sources")


def test_input_that_fails_the_schema(headrace: Command, root: Path):
    assert headrace("deploy").returncode == 0
    wrong = root / "wrong.json"
    wrong.write_text(json.dumps({**INPUT, "processing": {"ranks": 0}}))
    one_line(headrace("start", "adjoint_sources", "--input", str(wrong)), 1, "processing")
    listed = headrace("-F", "json", "run", "list")
    assert json.loads(listed.stdout) == []


def test_a_path_that_cannot_exist(headrace: Command, root: Path):
    file = root / "flows" / "adjoint_sources" / "definition.json"
    file.write_text(file.read_text().replace("$.waveforms.path", "$.waveform.path"))
    checked = headrace("flow", "check")
    assert checked.returncode == 1
    [line] = [line for line in checked.stdout.splitlines() if "path-cannot-exist" in line]
    assert "definition.json:" in line
    assert "did you mean $.waveforms.path?" in line
    one_line(headrace("deploy"), 1, "$.waveform.path")


def test_a_missing_endpoint_template(headrace: Command, root: Path):
    shutil.rmtree(root / "endpoint_configs" / "local")
    deployed = headrace("deploy")
    assert deployed.returncode == 0, deployed.stderr
    warnings = [line for line in deployed.stderr.splitlines() if line.startswith("warning: ")]
    assert warnings, "what else the project has is deployed, and the template that lacks is named"
    assert all("endpoint_configs" in line and "slurm" in line for line in warnings)
    assert "no template folder" in headrace("endpoint", "list").stdout


def test_a_collection_root_that_is_not_there(headrace: Command, root: Path, body: Path):
    assert headrace("deploy").returncode == 0
    shutil.rmtree(root / "scratch")
    one_line(headrace("start", "adjoint_sources", "--input", str(body)), 1, "scratch", "hpc")


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounting needs root")
def test_a_full_disk_in_a_transfer(headrace: Command, root: Path, body: Path):
    scratch = root / "scratch"
    mounted = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(scratch)]
    if subprocess.run(mounted, capture_output=True, check=False).returncode != 0:
        pytest.skip("this kernel lets nobody mount a tmpfs")
    try:
        assert headrace("deploy").returncode == 0
        done = headrace("start", "adjoint_sources", "--input", str(body), "--wait")
        failed_run(done, "TransferWaveforms", "hpc")
        assert not [path for path in scratch.rglob("*") if path.is_file() and ".part" in path.name]
        assert len(list((root / "data" / "incoming" / "001").rglob("*.semd"))) == 2
    finally:
        stop_facility(root)
        subprocess.run(["umount", str(scratch)], check=True)


def test_no_mpi(headrace: Command, root: Path, body: Path, tmp_path: Path):
    pytest.importorskip("globus_compute_endpoint", reason="needs the extra `endpoint` (Linux)")
    pytest.importorskip("pyadjoint", reason="needs the extra `seismic`")
    document = json.loads(body.read_text())
    document["processing"]["ranks"] = 2
    body.write_text(json.dumps(document))
    launcher = "no-such-launcher"
    assert headrace("deploy", HEADRACE_LAUNCHER=launcher).returncode == 0
    done = headrace(
        "start", "adjoint_sources", "--input", str(body), "--wait", HEADRACE_LAUNCHER=launcher
    )
    failed_run(done, "ProcessWaveforms", "no MPI")


@pytest.mark.parametrize("arguments", ["start adjoint_sources -i -", "watch", "web-input list"])
def test_standard_streams_that_are_closed(root: Path, arguments: str) -> None:
    (root / "data" / "incoming" / "001").mkdir(parents=True, exist_ok=True)
    script = f'"{sys.executable}" -m headrace.cli {arguments} <&-'
    done = subprocess.run(
        ["sh", "-c", script], cwd=root, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 1
    assert "error: " in done.stderr
    assert "a fault in headrace itself" not in done.stderr
    silent = subprocess.run(["sh", "-c", f"{script} >&- 2>&-"], cwd=root, timeout=120, check=False)
    assert silent.returncode == 1


def test_a_request_that_fails_is_told_once(root: Path) -> None:
    script = (
        "from headrace.cli.termio.errors import exit_code_of, show_threads_and_logs\n"
        "from headrace.hosted import services_at\n"
        "show_threads_and_logs()\n"
        "services = services_at('http://127.0.0.1:9', 'x')\n"
        "exit_code_of(lambda: services.flows.get_run('x'))\n"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert "127.0.0.1:9" in line
