"""Ring items: all found, none invented, damage located."""

from __future__ import annotations

import struct
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.datarun.errors import EventFileError
from headrace.datarun.events import EventFile, EventWriter, Flaw, ItemType, ring_item
from headrace.datarun.events.index import index_items
from tests.support.examples import examples


def found(data: bytes, on_corrupt: str = "refuse") -> tuple[list[bytes], tuple[object, ...]]:
    raw = np.frombuffer(data, np.uint8)
    index, problems = index_items(raw, Path("some.evt"), on_corrupt)  # type: ignore[arg-type]
    whole = [data[i["offset"] : i["offset"] + int(i["size"])] for i in index]
    return whole, problems


def test_the_reference_file_is_read_whole_and_written_back(
    reference_run: Path, tmp_path: Path
) -> None:
    with EventFile(reference_run) as file:
        kinds = Counter(ItemType(kind) for kind in file.index["type"].tolist())
        assert len(file) == 181
        assert kinds == {
            ItemType.RING_FORMAT: 1,
            ItemType.BEGIN_RUN: 1,
            ItemType.PHYSICS_EVENT: 174,
            ItemType.EVENT_COUNT: 2,
            ItemType.SCALERS: 2,
            ItemType.END_RUN: 1,
        }
        assert file.version == (11, 0)
        assert [c.title for c in file.state_changes] == ["No Title Set", "No Title Set"]
        begin, end = file.state_changes
        assert end.seconds - begin.seconds == end.unix_time - begin.unix_time == 7
        assert [len(s.values) for s in file.scalers] == [2, 2]
        assert file.event_counts[-1].events == 142
        with EventWriter(tmp_path / "copy.evt") as writer:
            for number in range(len(file)):
                writer.write_items(file.item(number))
    assert (tmp_path / "copy.evt").read_bytes() == reference_run.read_bytes()


def test_events_of_the_reference_file_hold_no_hits_and_say_so(reference_run: Path) -> None:
    with pytest.raises(EventFileError, match=r"byte 141: a physics event that is neither"):
        EventFile(reference_run).read()
    batch = EventFile(reference_run, "skip").read()
    assert (batch.events, len(batch.hits), len(batch.problems)) == (174, 0, 174)
    assert batch.event_start.tolist() == [0] * 175


def test_a_thousand_damaged_copies_neither_crash_nor_hang(
    reference_run: Path, segment: Path
) -> None:
    rng = np.random.default_rng(11)
    refused = 0
    for source in (reference_run.read_bytes(), segment.read_bytes()[:60_000]):
        original = np.frombuffer(source, np.uint8)
        for _ in range(500):
            copy = original.copy()
            for _ in range(rng.integers(1, 8)):
                at = int(rng.integers(len(copy)))
                match rng.integers(5):
                    case 0:
                        copy[at] ^= 1 << rng.integers(8)
                    case 1:
                        copy[at : at + 4] = rng.integers(0, 256, len(copy[at : at + 4]))
                    case 2:
                        copy[at : at + int(rng.integers(5000))] = 0
                    case 3:
                        copy = copy[:at] if at > 100 else copy
                    case 4:
                        copy = np.delete(copy, slice(at, at + int(rng.integers(1, 50))))
            index, problems = index_items(copy, Path("damaged"), "skip")
            covered = sorted(
                [(int(i["offset"]), int(i["size"])) for i in index]
                + [(p.offset, p.length) for p in problems]
            )
            at = 0
            for offset, length in covered:
                assert offset == at
                at += length
            assert at == len(copy)
            refused += _read_both_ways(copy, reference_run)
    assert refused > 500


def _read_both_ways(copy: np.ndarray, path: Path) -> int:
    """Reads hits of damaged bytes; 1 if a strict reader refuses them."""
    lenient = EventFile(path, "skip")
    lenient.data = copy
    lenient.index, lenient.problems = index_items(copy, path, "skip")
    batch = lenient.read()
    assert len(batch.hits) == batch.event_start[-1] == len(batch.trace_start) - 1
    documents = [*lenient.state_changes, *lenient.scalers, *lenient.event_counts]
    assert len(documents) <= len(lenient)
    try:
        index_items(copy, path, "refuse")
    except EventFileError:
        return 1
    return int(bool(batch.problems))


ITEMS = st.lists(
    st.builds(
        lambda kind, body, source, empty: ring_item(kind, body, source=source, empty_header=empty),
        st.sampled_from([1, 2, 12, 20, 30, 31, 41, 77, 0x8000, 0xFFFF]),
        st.binary(max_size=80),
        st.none() | st.integers(0, 2**32 - 1),
        st.sampled_from([0, 4]),
    ),
    max_size=30,
)


@given(ITEMS)
def test_any_items_are_found_byte_for_byte(made: list[bytes]) -> None:
    assert found(b"".join(made)) == (made, ())


def test_a_body_header_with_extra_bytes_is_kept() -> None:
    header = struct.pack("<IQII", 28, 1234, 5, 0) + b"8 extra."
    item = struct.pack("<II", 8 + len(header) + 3, 77) + header + b"xyz"
    index, _ = index_items(np.frombuffer(item, np.uint8), Path("x"))
    assert index[["timestamp", "source", "header"]].tolist() == [(1234, 5, 36)]


def plain(number: int, length: int = 40) -> bytes:
    return ring_item(0x8000 + number, bytes([number]) * length)


@pytest.mark.parametrize("cut", [1, 7, 8, 11, 12, 30, 51])
def test_a_truncated_file_ends_with_its_last_whole_item(cut: int) -> None:
    whole = [plain(k) for k in range(3)]
    data = b"".join(whole)[:-52] + whole[2][:cut]
    with pytest.raises(EventFileError, match=r"some.evt, byte 104: the file ends inside") as error:
        found(data)
    assert error.value.offset == 104
    items, problems = found(data, "skip")
    assert items == whole[:2]
    assert [(p.offset, p.length, p.flaw) for p in problems] == [(104, cut, Flaw.TRUNCATED)]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(struct.pack("<I", 0), id="size zero"),
        pytest.param(struct.pack("<I", 11), id="size too small"),
        pytest.param(struct.pack("<I", 1 << 31), id="size too large"),
        pytest.param(struct.pack(">II", 52, 0x8002), id="big-endian"),
        pytest.param(struct.pack("<III", 52, 0, 0), id="type zero"),
        pytest.param(struct.pack("<III", 52, 0x8002, 7), id="body header too short"),
        pytest.param(struct.pack("<III", 52, 0x8002, 99), id="body header too long"),
    ],
)
def test_one_damaged_item_costs_that_item_alone(damage: bytes) -> None:
    whole = [plain(k) for k in range(8)]
    broken = damage + whole[2][len(damage) :]
    data = b"".join([*whole[:2], broken, *whole[3:]])
    with pytest.raises(EventFileError, match=r"byte 104: (no ring|the file ends)"):
        found(data)
    items, problems = found(data, "skip")
    assert items == whole[:2] + whole[3:]
    assert [(p.offset, p.length) for p in problems] == [(104, 52)]  # type: ignore[attr-defined]


def test_a_damaged_built_event_is_not_taken_for_its_last_fragment(segment: Path) -> None:
    data = bytearray(segment.read_bytes())
    before = EventFile(segment)
    number = int(before.numbers(ItemType.PHYSICS_EVENT)[3])
    at = int(before.index["offset"][number])
    data[at : at + 4] = bytes(4)
    index, problems = index_items(np.frombuffer(data, np.uint8), segment, "skip")
    assert [(p.offset, p.length) for p in problems] == [(at, int(before.index["size"][number]))]
    assert index["offset"].tolist() == np.delete(before.index["offset"], number).tolist()


@examples(50)
@given(ITEMS, st.integers(1, 12))
def test_splits_hold_every_item_once(made: list[bytes], parts: int) -> None:
    raw = np.frombuffer(b"".join(made), np.uint8)
    file = EventFile.__new__(EventFile)
    file.path, file.data = Path("x"), raw
    file.index, file.problems = index_items(raw, file.path)
    splits = file.splits(parts)
    assert len(splits) == parts
    assert [s.first for s in splits] + [len(made)] == [0] + [s.last for s in splits]
    assert b"".join(raw[s.start : s.end].tobytes() for s in splits) == raw.tobytes()


def test_splits_are_about_equal(segment: Path) -> None:
    file = EventFile(segment)
    sizes = [s.end - s.start for s in file.splits(4)]
    assert max(sizes) - min(sizes) <= 2 * int(file.index["size"].max())
    with pytest.raises(ValueError, match="at least 1"):
        file.splits(0)


def test_an_empty_file_has_no_items_and_a_missing_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty.evt").touch()
    file = EventFile(tmp_path / "empty.evt")
    assert (len(file), file.read().events, file.version) == (0, 0, None)
    assert [s.last for s in file.splits(2)] == [0, 0]
    with pytest.raises(EventFileError, match=r"none\.evt: cannot be read: No such file"):
        EventFile(tmp_path / "none.evt")


def test_documents_that_are_too_short_are_located(tmp_path: Path) -> None:
    path = tmp_path / "short.evt"
    path.write_bytes(ring_item(12, b"\x0b\0\0\0") + ring_item(1, b"short"))
    with pytest.raises(EventFileError, match="byte 16: a ring item too short"):
        EventFile(path).state_changes  # noqa: B018
    assert EventFile(path, "skip").state_changes == ()
