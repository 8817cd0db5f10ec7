"""Events for the tests of the seismic package: the reference event, and a computed one."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from headrace.seismic import demo_event, plugins, read_seismogram
from headrace.seismic.waveforms.reading import Samples, TraceFile
from tests.support.repository import REPOSITORY, SOURCE


@pytest.fixture(scope="session")
def reference_event(reference_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Event 001 with ``obs/``, ``syn/``, ``adj/`` and ``windows.txt``."""
    seismograms = reference_data / "seismograms"
    if not (seismograms / "waveforms.tar.gz").is_file():
        pytest.skip(f"no waveforms.tar.gz in {seismograms}")
    place = tmp_path_factory.mktemp("reference")
    for archive in ("waveforms", "adjoint_sources_001"):
        folder = place / archive
        with tarfile.open(seismograms / f"{archive}.tar.gz") as tar:
            tar.extractall(folder, filter="data")
    event = place / "waveforms" / "001"
    (event / "adj").mkdir()
    for path in (place / "adjoint_sources_001").rglob("*.adj"):
        shutil.copy(path, event / "adj" / path.name)
    shutil.copy(seismograms / "windows_001.txt", event / "windows.txt")
    return event


@pytest.fixture(scope="session")
def _computed_event(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo_event(tmp_path_factory.mktemp("events"), "quake", seed=1)


@pytest.fixture
def event(_computed_event: Path, tmp_path: Path) -> Path:
    """A computed event of ten stations that the test may spoil."""
    return Path(shutil.copytree(_computed_event, tmp_path / "quake"))


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    """A configuration with the defaults."""
    path = tmp_path / "config.toml"
    path.write_text('period_band = [10.0, 100.0]\ncomponents = ["Y"]\n', encoding="utf-8")
    return path


@pytest.fixture
def add_entry_point(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str, str], None]:
    """Announce an object as an installed package does: group, name, ``module:attribute``."""
    added: list[importlib.metadata.EntryPoint] = []
    installed = plugins.entry_points

    def entry_points(group: str) -> importlib.metadata.EntryPoints:
        chosen = importlib.metadata.EntryPoints(added).select(group=group)
        return importlib.metadata.EntryPoints([*installed(group), *chosen])

    monkeypatch.setattr(plugins, "entry_points", entry_points)
    return lambda group, name, value: added.append(
        importlib.metadata.EntryPoint(name=name, value=value, group=group)
    )


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run_script() -> Run:
    """Run the batch script with bash: ``run_script(ranks, *arguments, **environment)``."""

    def run(ranks: int, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "PYTHONPATH": str(SOURCE),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HEADRACE_RANKS": str(ranks),
            **changes,
        }
        script = REPOSITORY / "job_scripts" / "adjoint_sources.sbatch"
        return subprocess.run(
            ["bash", str(script), *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def expected_windows() -> Callable[[Path], dict[str, dict[str, object]]]:
    """Parse the reference table: trace name -> misfit and windows."""

    def parse(path: Path) -> dict[str, dict[str, object]]:
        rows: dict[str, dict[str, object]] = {}
        for line in path.read_text(encoding="utf-8").splitlines():
            _, name, rest = line.split(maxsplit=2)
            windows = re.findall(r"(\d+)-(\d+):cc=([\d.]+):dlnA=([-\d.]+):shift=(-?\d+)", rest)
            misfit = re.search(r"misfit=(\S+)", rest)
            assert misfit
            rows[name] = {
                "misfit": float(misfit[1]),
                "windows": [
                    (int(first), int(last), float(cc), float(dlna), int(shift))
                    for first, last, cc, dlna, shift in windows
                ],
            }
        return rows

    return parse


@pytest.fixture
def raw_pair(event: Path) -> tuple[Samples, Samples]:
    """Observed and synthetic of one station as they were read, 0.06 s apart."""
    observed, synthetic = (
        read_seismogram(TraceFile(event / folder / "HR.S05.BXY.semd", "HR", "S05", "BXY")).data
        for folder in ("obs", "syn")
    )
    return observed, synthetic
