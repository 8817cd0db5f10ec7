"""Analyses: the user's class is given every hit once, and its histograms are added."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import hist
import numpy as np
import pytest
import uproot

from headrace.datarun.analysis import (
    AnalysisError,
    SegmentResult,
    analyze_run,
    analyze_segment,
    find_segments,
    load_analysis,
    merge,
    open_segment,
)
from headrace.datarun.analysis.channels import pulse_height
from headrace.datarun.analysis.program import main
from headrace.datarun.convert import convert
from headrace.datarun.errors import DataRunError
from headrace.datarun.events import EventFile
from tests.support.datarun.fitted_segments import fitted_segment

COUNTER = """
import hist


class Counter:
    columns = ("channel", "energy")

    def begin(self, segment):
        self.name = segment.name
        self.seen = hist.Hist.new.Reg(8, 0, 8, name="channel").Double()

    def process(self, batch):
        assert set(batch.hits) == set(self.columns)
        self.seen.fill(batch.hits["channel"])

    def end(self):
        return {"channels": self.seen}
"""


@pytest.fixture(scope="module")
def run(segments: tuple[Path, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the converted segments of a fitted run."""
    place = tmp_path_factory.mktemp("converted")
    for path in segments:
        fitted = fitted_segment(path, place / f"{path.stem}-fitted.evt", without=2)
        convert(fitted, place / f"{path.stem}.root")
        fitted.unlink()
    return place


@pytest.fixture
def counter(tmp_path: Path) -> Path:
    path = tmp_path / "counter.py"
    path.write_text(COUNTER)
    return path


def channel_counts(segments: tuple[Path, ...]) -> list[float]:
    channels = np.concatenate([EventFile(path).read().hits["channel"] for path in segments])
    return np.bincount(channels, minlength=8).tolist()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_class_of_ones_own_sees_every_hit_of_all_segments(
    run: Path, segments: tuple[Path, ...], counter: Path, tmp_path: Path, workers: int
) -> None:
    output = tmp_path / "out"
    result = analyze_run([run], output, f"{counter}:Counter", workers=workers)
    assert (result.run, result.events) == (7, 240)
    assert result.histograms == output / "run-0007-sorted.root"
    with uproot.open(result.histograms) as file:
        assert file["channels"].values().tolist() == channel_counts(segments)
    summary = json.loads(result.summary.read_text())
    assert summary["histograms"] == {"channels": result.hits}
    assert [s["file"] for s in summary["segments"]] == ["run-0007-00.root", "run-0007-01.root"]
    assert [output / name for name in summary["pictures"]] == list(result.pictures)
    assert all(p.read_bytes().startswith(b"\x89PNG") for p in result.pictures)
    assert len(result.pictures) == 2


def test_event_files_are_analysed_as_they_are(
    segments: tuple[Path, ...], counter: Path, tmp_path: Path
) -> None:
    result = analyze_run(segments, tmp_path, str(counter), pictures=False)
    assert (result.run, result.pictures) == (7, ())
    with uproot.open(result.histograms) as file:
        assert file["channels"].values().tolist() == channel_counts(segments)


def test_batches_of_a_tree_are_those_of_the_event_file(run: Path, segment: Path) -> None:
    segment_of_tree, from_tree = open_segment(run / f"{segment.stem}.root", ["energy", "time"])
    segment_of_file, from_file = open_segment(segment, ["energy", "time"])
    assert (segment_of_tree.run, segment_of_tree.segment) == (7, 0)
    assert (segment_of_file.run, segment_of_file.segment) == (7, 0)
    (tree,), (plain,) = list(from_tree), list(from_file)
    assert tree.start.tolist() == plain.start.tolist()
    assert tree.event.tolist() == plain.event.tolist()
    for name in ("energy", "time"):
        assert tree.hits[name].tolist() == plain.hits[name].tolist()
    assert tree.awkward()["energy"].tolist() == plain.awkward()["energy"].tolist()
    assert tree.events["item"].tolist() == plain.events["item"].tolist()


def test_the_default_analysis_makes_five_histograms_a_channel(run: Path, tmp_path: Path) -> None:
    result = analyze_run([run], tmp_path)
    hits = [next(open_segment(path)[1]) for path in find_segments([run])]
    kinds = {"energy", "time", "height", "quality", "pile_up"}
    with uproot.open(result.histograms) as file:
        for channel in range(8):
            group = f"c0s02ch{channel:02d}"
            mine = [h.hits["channel"] == channel for h in hits]
            count = sum(int(m.sum()) for m in mine)
            own = set(file[group].keys(cycle=False))
            assert own == (kinds if channel != 2 else {"energy", "time"})
            assert file[f"{group}/energy"].values(flow=True).sum() == count
            pairs = list(zip(hits, mine, strict=True))
            energies = np.concatenate([h.hits["energy"][m] for h, m in pairs])
            filled = file[f"{group}/energy"]
            mean = np.average(filled.axis().centers(), weights=filled.values())
            assert abs(mean - energies.mean()) < filled.axis().widths()[0]
            if channel != 2:
                piled = sum(int((h.hits["p_double"][m] > 0.5).sum()) for h, m in pairs)
                assert file[f"{group}/pile_up"].values(flow=True).sum() == piled > 0
                assert file[f"{group}/height"].values(flow=True).sum() == count
    names = {p.name for p in result.pictures}
    assert names == {"overview.png"} | {f"c0s02ch{k:02d}.png" for k in range(8)}


def test_time_differences_are_to_the_first_hit_of_the_event(run: Path) -> None:
    result = analyze_segment(find_segments([run])[0])
    (batch,) = open_segment(find_segments([run])[0])[1]
    expected = []
    for first, last in zip(batch.start[:-1], batch.start[1:], strict=True):
        expected += (batch.hits["time"][first + 1 : last] - batch.hits["time"][first]).tolist()
    counted = sum(
        h.values(flow=True) for name, h in result.histograms.items() if name.endswith("/time")
    )
    reference = hist.Hist.new.Reg(1000, -1000, 1000).Double().fill(expected)
    assert counted.tolist() == reference.values(flow=True).tolist()


def test_a_pulses_height_is_its_maximum() -> None:
    x = np.linspace(0, 200, 2_000_001)
    pulse = 1000 * np.exp(-0.02 * (x - 50)) / (1 + np.exp(-0.5 * (x - 50)))
    height = pulse_height(np.array([1000.0, 5.0]), np.array([0.5, 0.1]), np.array([0.02, 0.1]))
    assert height[0] == pytest.approx(pulse.max(), rel=1e-9)
    assert np.isnan(height[1])


def one(histogram: Any, name: str = "a.root") -> SegmentResult:
    return SegmentResult(name, 1, 0, {}, 1, 1, {"h": histogram})


def test_histograms_are_added_and_others_axes_refused() -> None:
    first = hist.Hist.new.Reg(4, 0, 4).Double().fill([1.0, 9.0])
    second = hist.Hist.new.Reg(4, 0, 4).Double().fill([1.0, 2.0])
    total = merge([one(first), one(second)])
    assert total["h"].values(flow=True).tolist() == [0, 0, 2, 1, 0, 1]
    assert first.sum() == 1
    other = hist.Hist.new.Reg(5, 0, 4).Double()
    with pytest.raises(AnalysisError, match=r"histogram h has other axes in b\.root"):
        merge([one(first), one(other, "b.root")])


@pytest.mark.parametrize(
    ("source", "name", "words"),
    [
        ("class A:\n    pass\n", "x.py:A", "class A has no begin, process, end"),
        ("", "x.py:B", "no class B"),
        ("", "x.py", "0 classes with begin, process, end"),
        ("1 / 0\n", "x.py", "x.py, line 1: ZeroDivisionError: division by zero"),
        ("def f(:\n", "x.py", "x.py, line 1: SyntaxError"),
    ],
)
def test_an_analysis_that_cannot_be_used_is_told_in_one_line(
    source: str, name: str, words: str, tmp_path: Path
) -> None:
    (tmp_path / "x.py").write_text(source)
    with pytest.raises(AnalysisError) as error:
        load_analysis(str(tmp_path / name))
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_an_error_in_ones_own_class_names_its_line(run: Path, counter: Path) -> None:
    counter.write_text(COUNTER.replace('batch.hits["channel"]', 'batch.hits["chanel"]'))
    with pytest.raises(AnalysisError) as error:
        analyze_segment(find_segments([run])[0], str(counter))
    told = "Counter.process on run-0007-00.root: counter.py, line 14: KeyError: 'chanel'"
    assert str(error.value) == told


def test_files_that_do_not_belong_together_are_refused(
    run: Path, segment: Path, counter: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataRunError, match="not found; give segments' files"):
        find_segments([tmp_path / "none"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataRunError, match=r"no \*\.root or \*\.evt file in"):
        find_segments([tmp_path / "empty"])
    with pytest.raises(DataRunError, match="no column nothing; it has"):
        open_segment(run / "run-0007-00.root", ["nothing"])
    other = tmp_path / "run-0008-00.evt"
    data = bytearray(segment.read_bytes())
    begin = EventFile(segment).index[1]
    body = int(begin["offset"]) + int(begin["header"])
    data[body : body + 4] = (8).to_bytes(4, "little")
    other.write_bytes(data)
    with pytest.raises(DataRunError, match="segments of runs 7, 8"):
        analyze_run([segment, other], tmp_path / "out", str(counter))
    (tmp_path / "run-0009-00.root").write_bytes(b"not a ROOT file")
    with pytest.raises(DataRunError, match="not a tree of a data run"):
        open_segment(tmp_path / "run-0009-00.root")


def test_a_damaged_tree_is_the_files_fault_not_the_analysis(
    run: Path, counter: Path, tmp_path: Path
) -> None:
    data = bytearray((run / "run-0007-00.root").read_bytes())
    with uproot.open(run / "run-0007-00.root") as file:
        seek = int(file["events"]["hits_channel"].member("fBasketSeek")[0])
    data[seek + 60 : seek + 120] = bytes(60)
    bad = tmp_path / "run-0007-00.root"
    bad.write_bytes(data)
    with pytest.raises(DataRunError, match=r"run-0007-00\.root: cannot be read \("):
        analyze_segment(bad, str(counter))


def test_the_job_script_analyses(repository: Path, run: Path, tmp_path: Path) -> None:
    script = repository / "job_scripts" / "data_run_analyze.py"
    command = [sys.executable, str(script), str(run), "--output", str(tmp_path), "--no-pictures"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    facts = json.loads(done.stdout)
    assert (facts["run"], facts["events"], facts["pictures"]) == (7, 240, 0)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "run-0007-sorted.root",
        "run-0007-summary.json",
    ]


def test_complaints_of_the_analysis_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["none.root", "--output", "out"]) == 1
    assert capsys.readouterr().err.startswith("data_run_analyze: none.root: not found")
    assert main(["none.root", "--output", "out", "--workers", "0"]) == 2
    assert (
        capsys.readouterr().err
        == "data_run_analyze: --workers must be at least 1; see data_run_analyze --help\n"
    )
