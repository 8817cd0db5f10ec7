"""The table of what the benchmarks measure."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.support.repository import REPOSITORY

SCRIPTS = REPOSITORY / "benchmarks"


@pytest.fixture(scope="module")
def table() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmark_table", SCRIPTS / "table.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_benchmark_of_the_table_is_a_script_that_gives_rows(table: ModuleType) -> None:
    texts = [(SCRIPTS / f"{name}.py").read_text() for name in table.NAMES]
    assert all('"rows"' in text for text in texts)
    others = {path.stem for path in SCRIPTS.glob("*.py")} - set(table.NAMES)
    assert others == {"table", "adjoint_derivatives"}


ROW: dict[str, Any] = {
    "id": "copy",
    "what": "a copy",
    "unit": "MB/s",
    "better": "more",
    "ours": [300.0, 200.0, 400.0],
    "settings": "200 MB",
    "peers": [{"name": "rsync", "settings": "--fsync", "values": [100.0, 200.0, 100.0]}],
}


def test_a_row_has_medians_spreads_and_the_ratio_of_each_pair(table: ModuleType) -> None:
    assert table.cells("transfer", ROW) == (
        "a copy (200 MB)",
        "300 MB/s (200-400)",
        "rsync, --fsync: 100 MB/s (100-200)",
        "3 (1-4)",
        "`benchmarks/transfer.py`",
    )


def test_a_ratio_above_one_is_in_our_favour_when_less_is_better(table: ModuleType) -> None:
    row = ROW | {"better": "less", "unit": "ms", "ours": [2.0], "peers": []}
    assert table.ratios(row, [5.0]) == [2.5]
    assert table.cells("x", row)[1:4] == ("2 ms", "", "")


def test_the_readme_and_its_page_say_what_was_measured(table: ModuleType) -> None:
    results = json.loads((SCRIPTS / "results.json").read_text())
    assert set(results["benchmarks"]) <= set(table.NAMES)
    readme = (REPOSITORY / "README.md").read_text()
    assert readme == table.readme(results, readme), "`make bench` writes the table"
    page = (REPOSITORY / "docs" / "figures.md").read_text()
    assert page == table.page(results), "`make bench` writes the page"


def test_the_readme_has_the_table_without_settings_in_its_place(table: ModuleType) -> None:
    results = {"machine": "2 cores", "benchmarks": {"transfer": {"rows": [ROW]}}}
    text = f"before\n{table.BEGIN}\n| old |\n{table.END}\nafter\n"
    new = table.readme(results, text)
    assert "| a copy | 300 MB/s (200-400) | rsync: 100 MB/s (100-200) | 3 (1-4) |" in new
    assert "old" not in new
    assert new.startswith("before\n")
    assert new.endswith(f"{table.END}\nafter\n")
    with pytest.raises(ValueError, match="no lines"):
        table.readme(results, "no place")


def test_figures_have_the_digits_that_their_spread_allows(table: ModuleType) -> None:
    assert table.spread([72_831.0], "/s") == "72,800/s"
    assert table.spread([0.5432], "s") == "0.54 s"
    assert table.spread([7.31, 7.29], "ms") == "7.3 ms"
    assert table.spread([0.0], "%") == "0 %"


def test_a_benchmark_that_fails_keeps_what_the_others_gave(
    table: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    scripts = tmp_path / "benchmarks"
    scripts.mkdir()
    (scripts / "solver.py").write_text("raise SystemExit(3)\n")
    (scripts / "fit.py").write_text(f"print('first', {json.dumps(json.dumps({'rows': [ROW]}))})\n")
    monkeypatch.setattr(table, "ROOT", tmp_path)
    results = tmp_path / "build" / "benchmarks.json"
    chosen = ["--results", str(results)]
    assert table.main(["run", *chosen, "solver", "fit"]) == 1
    kept = json.loads(results.read_text())["benchmarks"]
    assert kept["fit"]["rows"] == [ROW]
    assert "solver" not in kept
    assert table.main(["run", *chosen, "fit"]) == 0
    capsys.readouterr()
    assert table.main(["show", *chosen]) == 0
    assert "| a copy (200 MB) | 300 MB/s (200-400) |" in capsys.readouterr().out


def test_a_benchmark_that_is_not_there_is_named(
    table: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        table.main(["run", "speed"])
    assert "no benchmark named speed; there are adjoint_sources" in capsys.readouterr().err
