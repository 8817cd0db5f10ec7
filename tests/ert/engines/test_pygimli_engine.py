"""pyGIMLi as an engine: the model and the misfit that it gives by itself, and what is no result."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from headrace.ert import ErtError, InversionFailed, SettingsError
from headrace.ert.engine import INVERSION, ErtJob, ErtResult
from headrace.ert.registry import open_engine
from headrace.ert.synthetic import Section, write_section
from tests.support.optional_packages import skip_without

skip_without("pygimli", "ert")

# As the examples of pyGIMLi do it, but for the threads: with the default number the Jacobian may be
# zero, which the engine refuses.
PLAIN = """
import json, sys
import numpy as np
import pygimli as pg
from pygimli.physics import ert
data = pg.DataContainerERT(sys.argv[1])
manager = ert.ERTManager(data)
manager.fop._core.setThreadCount(1)
manager.invert(data, verbose=False, **json.loads(sys.argv[3]))
np.savez(sys.argv[2], model=manager.paraModel(), response=manager.inv.response,
         chi2=manager.inv.chi2(), rms=manager.inv.relrms())
"""


@pytest.fixture(scope="module")
def section(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_section(tmp_path_factory.mktemp("sections") / "line", Section(seed=2)).parent


def run(directory: Path, output: Path, settings: dict[str, object] | None = None) -> ErtResult:
    output.mkdir(exist_ok=True)
    engine = open_engine("pygimli", settings or {})
    return engine.run(ErtJob(INVERSION, directory, output))


def damaged(section: Path, directory: Path, old: str, new: str) -> Path:
    directory.mkdir()
    text = (section / "data.dat").read_text()
    assert old in text
    (directory / "data.dat").write_text(text.replace(old, new, 1))
    return directory


@pytest.mark.service
@pytest.mark.parametrize("arguments", [{}, {"lam": 100.0, "maxIter": 2, "zWeight": 0.3}])
def test_misfit_and_model_are_those_of_pygimli_alone(
    section: Path, tmp_path: Path, arguments: dict[str, float]
) -> None:
    import numpy as np

    result = run(section, tmp_path / "ours", {"invert": arguments})
    alone = tmp_path / "alone.npz"
    command = [sys.executable, "-c", PLAIN, str(section / "data.dat"), str(alone)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([*command, json.dumps(arguments)], check=True, env=environment, cwd=tmp_path)
    with np.load(alone) as plain, np.load(tmp_path / "ours/model.npz") as ours:
        # The order of sums is not the same in two processes.
        assert result.facts["chi2"] == pytest.approx(float(plain["chi2"]), rel=2e-3)
        assert result.facts["rms"] == pytest.approx(float(plain["rms"]), rel=2e-3)
        np.testing.assert_allclose(ours["resistivity"], plain["model"], rtol=2e-2)
    assert result.facts["iterations"] == len(result.chi2_history) - 1


def test_a_body_is_found_where_it_was(section: Path, tmp_path: Path) -> None:
    import numpy as np

    result = run(section, tmp_path / "output")
    assert result.facts["converged"] is True
    assert result.facts["stop_reason"] in (
        "chi-square of 1 or less",
        "improved by less than 2 %",
    )
    truth = json.loads((section / "truth.json").read_text())["model"]
    body, background = truth["bodies"][0], truth["layers"][1]
    with np.load(tmp_path / "output/model.npz") as model:
        assert len(model["cells"]) == len(model["centers"]) == result.facts["cells"]
        assert model["cells"].max() < len(model["nodes"])
        away = np.hypot(model["centers"][:, 0] - body["x"], model["centers"][:, 1] + body["depth"])
        inside = np.median(model["resistivity"][away < body["radius"]])
    assert (inside > background) == (body["resistivity"] > background)
    assert "resistivity" in (tmp_path / "output/model.vtk").read_text()
    response = (tmp_path / "output/response.dat").read_text()
    assert "# a b m n rhoa err k response" in response


def test_data_without_errors_get_those_of_the_settings(section: Path, tmp_path: Path) -> None:
    directory = tmp_path / "line"
    directory.mkdir()
    lines = (section / "data.dat").read_text().splitlines()
    head = next(n for n, line in enumerate(lines) if line.startswith("# a b m n"))
    rows = [" ".join(line.split()[:5]) for line in lines[head + 1 :] if len(line.split()) > 5]
    text = "\n".join([*lines[:head], "# a b m n rhoa", *rows]) + "\n"
    (directory / "line.ohm").write_text(text)
    small = run(directory, tmp_path / "small", {"relative_error": 0.01, "absolute_error": 0.0})
    large = run(directory, tmp_path / "large", {"relative_error": 0.1, "absolute_error": 0.0})
    assert small.chi2_history[0] == pytest.approx(100.0 * large.chi2_history[0], rel=1e-3)


def test_geometric_factors_follow_the_heights_of_the_electrodes(tmp_path: Path) -> None:
    data = write_section(tmp_path / "flat", Section(seed=1, array="wenner", electrodes=10))
    lines = data.read_text().splitlines()
    head = next(n for n, line in enumerate(lines) if line.startswith("# a b m n"))
    hill = [f"{x} {math.exp(-(((x - 4.5) / 2.0) ** 2))}" for x in range(10)]
    rows = [line.split() for line in lines[head + 1 :] if len(line.split()) == 7]
    factors = [float(row[6]) for row in rows]
    resistances = [float(row[4]) / factor for row, factor in zip(rows, factors, strict=True)]
    for name, heights in (("plain", lines[2:12]), ("hill", hill)):
        body = [
            f"{' '.join(row[:4])} {resistance} 0.02"
            for row, resistance in zip(rows, resistances, strict=True)
        ]
        (tmp_path / name).mkdir()
        text = ["10", "# x z", *heights, str(len(body)), "# a b m n r err", *body]
        (tmp_path / name / "data.dat").write_text("\n".join(text) + "\n")
    found = {}
    for name in ("plain", "hill"):
        run(tmp_path / name, tmp_path / f"{name}-output")
        text = (tmp_path / f"{name}-output/response.dat").read_text()
        rows = [line.split() for line in text.splitlines() if len(line.split()) == 8]
        found[name] = [float(row[6]) for row in rows if row[0] != "#"]
    assert found["plain"] == pytest.approx(factors, rel=1e-6)
    assert found["hill"] != pytest.approx(factors, rel=0.05)
    assert found["hill"] == pytest.approx(factors, rel=1.0)


def test_negative_apparent_resistivities_are_left_out_and_counted(
    section: Path, tmp_path: Path
) -> None:
    lines = (section / "data.dat").read_text().splitlines()
    head = next(n for n, line in enumerate(lines) if line.startswith("# a b m n"))
    words = lines[head + 1].split()
    changed = "\t".join([*words[:4], f"-{words[4]}", *words[5:]])
    directory = damaged(section, tmp_path / "line", lines[head + 1], changed)
    facts = run(directory, tmp_path / "output").facts
    assert facts["data_left_out"] == 1
    assert facts["data"] == 170
    assert (tmp_path / "output/invalid.data").is_file()


def test_the_limit_of_iterations_is_told(section: Path, tmp_path: Path) -> None:
    facts = run(section, tmp_path / "output", {"invert": {"maxIter": 1, "stopAtChi1": False}}).facts
    assert facts["stop_reason"] == "1 iterations, the limit"
    assert facts["converged"] is False


def test_a_zero_jacobian_is_an_error(
    section: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with pyGIMLi's default number of threads: it says converged, and the model is constant."""
    import numpy as np
    from pygimli.physics.ert import ertModelling

    of_modelling = ertModelling.ERTModelling.createJacobian

    def zero_jacobian(self: object, model: object) -> object:
        of_modelling(self, model)
        self._J *= 0.0 if hasattr(self, "_J") else 1.0
        jacobian = self.jacobian()
        for row in range(jacobian.rows()):
            jacobian.setRow(row, np.zeros(jacobian.cols()))
        return None

    monkeypatch.setattr(ertModelling.ERTModelling, "createJacobian", zero_jacobian)
    with pytest.raises(InversionFailed, match="the Jacobian is zero: the model was not inverted"):
        run(section, tmp_path / "output")
    assert not (tmp_path / "output/model.npz").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no file of the unified data format"),
        ("hello world\n", "no file of the unified data format"),
        ("2\n# x z\n0 0\n1 0\n5\n# a b m n rhoa\n1 2 1 2 100\n", "To few data"),
        ("3\n# x z\n0 0\n1 0\n2 0\n0\n# a b m n rhoa\n", "no datum with a positive"),
        ("4\n# x z\n0 0\n1 0\n2 0\n3 0\n1\n# a b m n\n1 2 3 4\n", "has neither apparent"),
    ],
)
def test_files_that_cannot_be_used_are_told_in_one_line(
    tmp_path: Path, text: str, words: str
) -> None:
    directory = tmp_path / "line"
    directory.mkdir()
    (directory / "data.dat").write_text(text)
    with pytest.raises(ErtError) as caught:
        run(directory, tmp_path / "output")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "data.dat" in str(caught.value)


def test_a_directory_with_two_files_wants_a_name(section: Path, tmp_path: Path) -> None:
    directory = damaged(section, tmp_path / "line", "#", "#")
    (directory / "other.dat").write_text("0\n0\n")
    (directory / "of_another_format.dat").write_text("12\n1\n2\n")
    with pytest.raises(ErtError, match=r"2 data files, data.dat and other.dat: name one by data"):
        run(directory, tmp_path / "output")
    assert run(directory, tmp_path / "output", {"data": "data.*"}).facts["converged"] is True


def test_what_is_done_is_not_found_again(section: Path, tmp_path: Path) -> None:
    engine = open_engine("pygimli", {})
    directory = damaged(section, tmp_path / "line", "#", "#")
    assert engine.find_job(directory) == INVERSION
    (directory / "result.json").write_text('{"state": "failed"}')
    assert engine.find_job(directory) == INVERSION
    (directory / "result.json").write_text('{"state": "done"}')
    assert engine.find_job(directory) == ""
    assert engine.find_job(tmp_path) == ""


def test_arguments_that_pygimli_would_ignore_are_refused() -> None:
    with pytest.raises(SettingsError, match="lamda"):
        open_engine("pygimli", {"invert": {"lamda": 20.0}})
    with pytest.raises(SettingsError, match="maxIter"):
        open_engine("pygimli", {"invert": {"maxIter": 0}})
