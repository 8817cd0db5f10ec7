"""Event files made from the acquisition's public headers, not by our own writer."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from headrace.datarun.convert import convert, run_facts
from headrace.datarun.end_of_run import run_end
from headrace.datarun.errors import EventFileError
from headrace.datarun.events import EventFile
from tests.support.datarun.nscldaq import (
    ABNORMAL_ENDRUN,
    BEGIN_RUN,
    END_RUN,
    MONITORED_VARIABLES,
    PACKET_TYPES,
    PAUSE_RUN,
    RESUME_RUN,
    Daq,
    ddas_hit,
    other_detector,
)

BEGUN, ENDED = 1_700_000_000, 1_700_000_100


@pytest.fixture(params=[11, 12])
def daq(request: pytest.FixtureRequest) -> Daq:
    return Daq(request.param)


def _hit(daq: Daq, number: int, source: int = 0) -> bytes:
    trace = [100 + number % 50 + k for k in range(40)]
    content = ddas_hit(0, 2, number % 16, 1000 * number, 500 + number, trace)
    return daq.hit_item(source, 8000 * number, content)


def _event(daq: Daq, number: int, source: int = 0) -> bytes:
    return daq.built([(8000 * number, source, _hit(daq, number, source))])


def _events(daq: Daq, count: int, source: int = 0) -> bytes:
    return b"".join(_event(daq, number, source) for number in range(count))


def _begin(daq: Daq, *sources: int) -> bytes:
    begins = b"".join(daq.state(BEGIN_RUN, 7, source, BEGUN + source) for source in sources)
    return daq.format() + daq.glom_parameters() + begins


def _end(daq: Daq, source: int, **options: bool) -> bytes:
    return daq.state(END_RUN, 7, source, ENDED + source, 100_000, **options)


def _run(directory: Path, *segments: bytes) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(segments):
        (directory / f"run-0007-{number:02d}.evt").write_bytes(data)
    return directory


# --- the end of a run


def test_an_abnormal_end_is_twelve_bytes_and_ends_the_run(daq: Daq, tmp_path: Path) -> None:
    end = daq.abnormal_end()
    assert struct.unpack("<3I", end) == (12, ABNORMAL_ENDRUN, 0 if daq.version == 11 else 4)
    found = run_end(_run(tmp_path, _begin(daq, 0, 1) + _events(daq, 300) + end))
    assert (found.ended, found.abnormal) == (True, True)


def test_a_run_ends_with_the_last_of_its_sources(daq: Daq, tmp_path: Path) -> None:
    body = _begin(daq, 0, 1, 5) + _events(daq, 30)
    directory = _run(tmp_path, body + _end(daq, 0) + _end(daq, 5))
    assert run_end(directory).missing == "the end of source 1 in run-0007-00.evt"
    _run(tmp_path, body + _end(daq, 0) + _end(daq, 5) + daq.scalers(1, [3]) + _end(daq, 1))
    assert run_end(directory).unix_time == ENDED + 5


def test_sources_without_ids_are_counted(tmp_path: Path) -> None:
    daq = Daq(11)
    begins = b"".join(daq.state(BEGIN_RUN, 7, s, BEGUN, header=False) for s in (0, 1))
    body = daq.format() + begins + _events(daq, 5)
    assert not run_end(_run(tmp_path, body + _end(daq, 0, header=False))).ended
    both = _end(daq, 0, header=False) + _end(daq, 1, header=False)
    assert run_end(_run(tmp_path, body + both)).ended


def test_nscldaq_12_names_its_sources_without_a_body_header(tmp_path: Path) -> None:
    daq = Daq(12)
    begins = b"".join(daq.state(BEGIN_RUN, 7, s, BEGUN, header=False) for s in (0, 3))
    body = daq.format() + begins + _events(daq, 5) + _end(daq, 0, header=False)
    assert run_end(_run(tmp_path, body)).missing == "the end of source 3 in run-0007-00.evt"


@pytest.mark.parametrize("kilobytes", [1, 70, 400, 3000])
def test_text_behind_the_end_hides_nothing(daq: Daq, tmp_path: Path, kilobytes: int) -> None:
    names = [f"set beam_energy_{k} {k * 1.5}" for k in range(kilobytes * 40)]
    text = daq.text(MONITORED_VARIABLES, names) + daq.text(PACKET_TYPES, names[:3])
    body = _begin(daq, 0) + _events(daq, 200)
    assert not run_end(_run(tmp_path, body + text)).ended
    assert run_end(_run(tmp_path, body + _end(daq, 0) + text)).ended


def test_the_ends_of_two_sources_may_be_far_apart(daq: Daq, tmp_path: Path) -> None:
    late = _events(daq, 2000, source=1)
    assert len(late) > 1 << 17
    body = _begin(daq, 0, 1) + _events(daq, 20) + _end(daq, 0) + late
    assert not run_end(_run(tmp_path, body)).ended
    assert run_end(_run(tmp_path, body + _end(daq, 1))).ended


def test_an_end_that_events_of_its_only_source_follow_is_none(daq: Daq, tmp_path: Path) -> None:
    body = _begin(daq, 0) + _events(daq, 20) + _end(daq, 0) + _event(daq, 21)
    assert not run_end(_run(tmp_path, body)).ended


def test_segments_may_be_empty_or_hold_ends_alone(daq: Daq, tmp_path: Path) -> None:
    body = _begin(daq, 0, 1) + _events(daq, 300)
    assert run_end(_run(tmp_path / "a", body + _end(daq, 0) + _end(daq, 1), b"")).ended
    assert run_end(_run(tmp_path / "b", body + _end(daq, 0), _end(daq, 1))).ended
    assert run_end(_run(tmp_path / "c", body, _end(daq, 0), _end(daq, 1), b"")).ended
    assert not run_end(_run(tmp_path / "d", body + _end(daq, 0), b"")).ended
    assert not run_end(_run(tmp_path / "e", body, b"")).ended
    assert run_end(_run(tmp_path / "f", body, daq.abnormal_end(), b"")).ended


def test_a_paused_run_goes_on(daq: Daq, tmp_path: Path) -> None:
    body = _begin(daq, 0) + _events(daq, 20) + daq.state(PAUSE_RUN, 7, 0, BEGUN + 5)
    assert not run_end(_run(tmp_path, body)).ended
    body += daq.state(RESUME_RUN, 7, 0, BEGUN + 9) + _events(daq, 3) + _end(daq, 0)
    assert run_end(_run(tmp_path, body)).ended


def test_state_changes_in_fragments_count(daq: Daq, tmp_path: Path) -> None:
    body = daq.fragment(_begin(daq, 4)[len(_begin(daq)) :], 4, 1) + _events(daq, 20, source=4)
    assert not run_end(_run(tmp_path, body)).ended
    assert run_end(_run(tmp_path, body + daq.fragment(_end(daq, 4), 4, 9))).ended


@pytest.mark.parametrize("cut", [1, 7, 11, 60, 500])
def test_what_is_cut_off_has_not_ended(daq: Daq, tmp_path: Path, cut: int) -> None:
    body = _begin(daq, 0) + _events(daq, 2000) + _end(daq, 0)
    assert not run_end(_run(tmp_path, body[:-cut])).ended


# --- what is in a run


def test_items_in_fragments_are_what_they_hold(daq: Daq, tmp_path: Path) -> None:
    begin = daq.state(BEGIN_RUN, 12345, 2, BEGUN)
    end = daq.state(END_RUN, 12345, 2, ENDED, 100_000)
    items = [daq.fragment(part, 2, 5) for part in (begin, _hit(daq, 3, 2), end)]
    items.insert(2, daq.fragment(daq.scalers(2, [4, 5]), 2, 6))
    path = tmp_path / "run-12345-00.evt"
    path.write_bytes(b"".join(items))
    summary = convert(path, tmp_path / "out.root")
    assert (summary.events, summary.hits, summary.problems) == (1, 1, 0)
    facts = run_facts(EventFile(path))
    told = (facts["run"], facts["begin"], facts["end"], facts["scalers"])
    assert told == (12345, BEGUN, ENDED, {"2": [4, 5]})


def test_scalers_of_sources_are_kept_apart(daq: Daq, tmp_path: Path) -> None:
    path = tmp_path / "run-0007-00.evt"
    body = _begin(daq, 0, 1) + daq.scalers(0, [1, 2, 3]) + daq.scalers(1, [10])
    body += daq.scalers(0, [1, 2, 3]) + daq.scalers(0, [900, 900, 900], incremental=False)
    path.write_bytes(body + daq.event_count(0, 0) + _end(daq, 1) + _end(daq, 0))
    with EventFile(path) as file:
        facts = run_facts(file)
        assert facts["scalers"] == {"0": [2, 4, 6], "1": [10]}
        assert (facts["begin"], facts["end"]) == (BEGUN, ENDED + 1)
        assert [c.source for c in file.state_changes] == [0, 1, 1, 0]
        assert file.event_counts[0].events == 0


def _mixed(daq: Daq, path: Path, events: int = 49) -> Path:
    """Events with a hit of source 0 and a fragment of another detector, source 7."""
    other = daq.hit_item(7, 5, other_detector(4))
    body = b"".join(
        daq.built([(8000 * k, 0, _hit(daq, k)), (8000 * k + 3, 7, other)]) for k in range(events)
    )
    path.write_bytes(_begin(daq, 0, 7) + body + _end(daq, 0) + _end(daq, 7))
    return path


def _fit(path: Path, repository: Path, *options: str) -> subprocess.CompletedProcess[str]:
    channels = path.with_suffix(".channels")
    channels.write_text("".join(f'0 2 {k} 40 0 39 16383 "" ""\n' for k in range(4)))
    script = str(repository / "job_scripts" / "data_run_fit_traces.py")
    target = str(path.with_suffix(".fitted"))
    command = [sys.executable, script, str(path), target, "--channels", str(channels), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_another_detectors_payload_stays_as_it_is(
    daq: Daq, tmp_path: Path, repository: Path
) -> None:
    path = _mixed(daq, tmp_path / "run-0007-00.evt")
    done = _fit(path, repository)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    assert (summary["hits"], summary["problems"]) == (49, 0)
    assert summary["other_payloads"] == {"7": 49}
    before, after = EventFile(path), EventFile(path.with_suffix(".fitted"))
    other = daq.hit_item(7, 5, other_detector(4))
    assert [after.item(k).count(other) for k in after.numbers(30)] == [1] * 49
    hits, again = before.read().hits, after.read().hits
    for name in ("energy", "ticks", "channel", "source"):
        np.testing.assert_array_equal(hits[name], again[name])
    assert hits["energy"].tolist() == [500 + k for k in range(49)]
    assert convert(path.with_suffix(".fitted"), tmp_path / "r.root").other_payloads == {"7": 49}


def test_a_damaged_hit_of_a_digitiser_is_still_refused(daq: Daq, tmp_path: Path) -> None:
    path = _mixed(daq, tmp_path / "run-0007-00.evt")
    data = bytearray(path.read_bytes())
    place = int(EventFile(path).read().hits["offset"][20])
    data[place + 20 : place + 24] = struct.pack("<I", 9 << 16)
    path.write_bytes(data)
    with pytest.raises(EventFileError, match="channel length"):
        EventFile(path).read()
    batch = EventFile(path, "skip").read()
    assert (len(batch.hits), len(batch.problems), batch.other_payloads) == (48, 1, {7: 49})


def test_a_file_of_damage_alone_is_refused(daq: Daq, tmp_path: Path) -> None:
    path = tmp_path / "run-0007-00.evt"
    other = daq.hit_item(7, 5, other_detector(4))
    path.write_bytes(_begin(daq, 7) + daq.built([(1, 7, other)]) + _end(daq, 7))
    with pytest.raises(EventFileError):
        EventFile(path).read()


def test_sources_may_be_named(daq: Daq, tmp_path: Path, repository: Path) -> None:
    path = tmp_path / "run-0007-00.evt"
    two = daq.built([(0, 0, _hit(daq, 0)), (3, 1, _hit(daq, 1, 1))])
    path.write_bytes(_begin(daq, 0, 1) + two + _end(daq, 0) + _end(daq, 1))
    summary = json.loads(_fit(path, repository, "--sources", "1").stdout.splitlines()[-1])
    assert (summary["hits"], summary["other_payloads"]) == (1, {"0": 1})
    wrong = _fit(path, repository, "--sources", "one")
    assert wrong.returncode == 2
    assert "write it as 0,2" in wrong.stderr


def test_an_unknown_payload_passes(daq: Daq, tmp_path: Path) -> None:
    path = tmp_path / "run-0007-00.evt"
    unknown = daq.unknown_payload(b"\x01\x02\x03\x04" * 20, 9, 5)
    path.write_bytes(_begin(daq, 0) + _events(daq, 3) + unknown + _end(daq, 0) + unknown)
    assert convert(path, tmp_path / "r.root").events == 3
    assert run_end(tmp_path).ended


def test_bit_30_of_the_first_header_word_is_a_flag_of_older_firmware(
    daq: Daq, tmp_path: Path
) -> None:
    path = tmp_path / "run-0007-00.evt"
    trace = list(range(60))
    flagged = ddas_hit(0, 3, 1, 77, 9, trace, overflow=True)
    plain = ddas_hit(0, 3, 2, 78, 9, trace)
    items = [daq.built([(1, 0, daq.hit_item(0, 1, content))]) for content in (flagged, plain)]
    path.write_bytes(_begin(daq, 0) + b"".join(items) + _end(daq, 0))
    batch = EventFile(path).read()
    assert batch.hits["out_of_range"].tolist() == [1, 0]
    assert batch.trace(0).tolist() == trace
