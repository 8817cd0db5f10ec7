"""Conversion: every event an entry, every number where it belongs, whole files or none."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import uproot

from headrace.datarun.convert import ConvertOptions, convert
from headrace.datarun.convert.program import main
from headrace.datarun.errors import DataRunError
from headrace.datarun.events import EventFile
from headrace.datarun.extension import flat_columns
from tests.support.datarun.fitted_segments import fitted_segment


@pytest.fixture(scope="module")
def fitted(segment: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("fitted") / "run-0007-00-fitted.evt"
    return fitted_segment(segment, target, without=2)


def test_an_event_is_an_entry_and_a_hit_a_place_in_its_lists(fitted: Path, tmp_path: Path) -> None:
    summary = convert(fitted, tmp_path / "out.root", ConvertOptions(batch=20_000))
    batch = EventFile(fitted).read()
    assert (summary.events, summary.hits) == (120, len(batch.hits))
    assert summary.fitted == int((batch.hits["channel"] != 2).sum())
    with uproot.open(tmp_path / "out.root") as file:
        assert file.classnames() == {"events;1": "TTree", "metadata;1": "TObjString"}
        tree = file["events"]
        assert tree.num_entries == 120
        assert tree["nhits"].array().tolist() == np.diff(batch.event_start).tolist()
        assert tree["item"].array().tolist() == batch.event_items.tolist()
        for name in ("crate", "slot", "channel", "time", "timestamp", "energy", "cfd"):
            assert _flat(tree, f"hits_{name}") == batch.hits[name].tolist(), name
        for name, values in flat_columns(batch.extensions).items():
            assert _flat(tree, f"hits_{name}") == values.tolist(), name
        first = tree["hits_energy"].array()[3].tolist()
        begin, end = batch.event_start[3:5]
        assert first == batch.hits["energy"][begin:end].tolist()


def _flat(tree: uproot.TTree, branch: str) -> list[float]:
    return [value for event in tree[branch].array().tolist() for value in event]


def test_what_is_known_of_the_run_goes_along(fitted: Path, tmp_path: Path) -> None:
    convert(fitted, tmp_path / "out.root")
    with uproot.open(tmp_path / "out.root") as file:
        facts = json.loads(str(file["metadata"]))
    scalers = EventFile(fitted).scalers
    assert (facts["run"], facts["segment"], facts["title"]) == (7, 0, "synthetic")
    assert facts["begin"] == 1_700_000_000
    assert facts["end"] is None
    assert facts["scalers"] == {"0": list(np.sum([s.values for s in scalers], axis=0))}
    assert facts["source"] == "run-0007-00-fitted.evt"
    assert facts["events"] == 120


@pytest.mark.parametrize("compression", ["zstd", "lz4", "zlib", "none"])
def test_traces_go_along_if_wanted(fitted: Path, tmp_path: Path, compression: str) -> None:
    options = ConvertOptions(traces=True, compression=compression)  # type: ignore[arg-type]
    convert(fitted, tmp_path / "out.root", options)
    batch = EventFile(fitted).read()
    with uproot.open(tmp_path / "out.root") as file:
        samples = _flat(file["events"], "trace")
        lengths = _flat(file["events"], "hits_trace_length")
        own = file["events"]["trace"].array()[5].tolist()
    assert samples == batch.traces.tolist()
    assert lengths == batch.hits["trace_length"].tolist()
    begin, end = batch.trace_start[batch.event_start[5:7]]
    assert own == batch.traces[begin:end].tolist()


def test_parquet_holds_the_same_columns(fitted: Path, tmp_path: Path) -> None:
    options = ConvertOptions(traces=True, batch=20_000)
    convert(fitted, tmp_path / "out.root", options, tmp_path / "out.parquet")
    table = pq.read_table(tmp_path / "out.parquet")
    facts = json.loads(pq.read_metadata(tmp_path / "out.parquet").metadata[b"headrace"])
    assert facts["run"] == 7
    with uproot.open(tmp_path / "out.root") as file:
        tree = file["events"]
        branches = {name for name in tree.keys() if name not in ("nhits", "ntrace")}  # noqa: SIM118
        assert set(table.column_names) == branches
        for name in table.column_names:
            assert table[name].to_pylist() == tree[name].array().tolist(), name


@pytest.mark.parametrize(("skip", "count"), [(0, 5), (7, None), (10, 50), (115, 50), (500, 1)])
def test_some_of_the_events(fitted: Path, tmp_path: Path, skip: int, count: int | None) -> None:
    options = ConvertOptions(skip=skip, count=count, batch=10_000)
    summary = convert(fitted, tmp_path / "out.root", options)
    items = EventFile(fitted).read().event_items
    expected = items[skip:] if count is None else items[skip : skip + count]
    assert summary.events == len(expected)
    with uproot.open(tmp_path / "out.root") as file:
        assert file["events"]["item"].array().tolist() == expected.tolist()


def test_a_file_without_hits_makes_a_tree_without_hits(reference_run: Path, tmp_path: Path) -> None:
    with pytest.raises(DataRunError, match="byte 141"):
        convert(reference_run, tmp_path / "out.root")
    assert list(tmp_path.iterdir()) == []
    summary = convert(reference_run, tmp_path / "out.root", ConvertOptions(on_corrupt="skip"))
    assert (summary.events, summary.hits, summary.problems) == (174, 0, 174)
    assert summary.first_problems[0].startswith("byte 141: a physics event that is neither")
    with uproot.open(tmp_path / "out.root") as file:
        assert file["events"].num_entries == 174
        assert file["events"]["hits_energy"].array().tolist() == [[]] * 174


def test_an_empty_file_makes_an_empty_tree(tmp_path: Path) -> None:
    (tmp_path / "run-0003-01.evt").touch()
    summary = convert(tmp_path / "run-0003-01.evt", tmp_path / "out.root", None, tmp_path / "o.pq")
    assert summary.events == 0
    with uproot.open(tmp_path / "out.root") as file:
        assert file["events"].num_entries == 0
        assert json.loads(str(file["metadata"]))["segment"] == 1
    assert pq.read_table(tmp_path / "o.pq").num_rows == 0


def test_a_place_that_cannot_be_written_is_named(fitted: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataRunError, match=r"file/out\.root: cannot be written"):
        convert(fitted, tmp_path / "file" / "out.root")
    convert(fitted, tmp_path / "new" / "place" / "out.root")
    assert [p.name for p in (tmp_path / "new" / "place").iterdir()] == ["out.root"]


def test_the_job_script_converts(repository: Path, fitted: Path, tmp_path: Path) -> None:
    script = repository / "job_scripts" / "data_run_convert.py"
    command = [sys.executable, str(script), str(fitted), str(tmp_path / "out.root")]
    done = subprocess.run([*command, "--count", "9"], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["events"] == 9
    assert [p.name for p in tmp_path.iterdir()] == ["out.root"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["in.evt"], 2, "data_run_convert: the following arguments are required: OUT.root; see"),
        (["in.evt", "out.root", "--skip", "-1"], 2, "--skip and --count must not be negative"),
        (["none.evt", "out.root"], 1, "none.evt: cannot be read: No such file"),
    ],
)
def test_complaints_are_one_line(
    arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == code
    complaint = capsys.readouterr().err
    assert words in complaint
    assert complaint.count("\n") == 1


def test_roots_own_reader_reads_the_tree(fitted: Path, tmp_path: Path) -> None:
    root = pytest.importorskip("ROOT", reason="ROOT is not installed", exc_type=ImportError)
    convert(fitted, tmp_path / "out.root", ConvertOptions(traces=True, batch=20_000))
    batch = EventFile(fitted).read()
    file = root.TFile.Open(str(tmp_path / "out.root"))
    tree = file.Get("events")
    assert tree.GetEntries() == 120
    heights, samples = [], []
    for entry in tree:
        heights += list(entry.hits_single_amplitude)
        samples += list(entry.trace)
    assert heights == batch.extensions["single"]["amplitude"].tolist()
    assert samples == batch.traces.tolist()
    assert json.loads(str(file.Get("metadata")))["run"] == 7
