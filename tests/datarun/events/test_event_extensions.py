"""Extensions: every enclosing size right, fitting twice the same as fitting once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from headrace.datarun.events import EventFile, EventWriter, extend, extended_sizes, ring_item
from headrace.datarun.extension import (
    EXTENSION,
    fitted_extensions,
    flat_columns,
    is_fitted,
    no_extensions,
    null_extensions,
)
from tests.support.datarun import reference_reader
from tests.support.datarun.small_files import built, one_hit


def some_fits(hits: int, seed: int = 1) -> np.ndarray:
    """Fits of every second hit, with all numbers different."""
    rng = np.random.default_rng(seed)
    fits = fitted_extensions(hits)
    fits.view(np.uint8).reshape(hits, 168)[:, :160] = rng.integers(0, 128, (hits, 160), np.uint8)
    fits[1::2] = null_extensions(len(fits[1::2]))
    return fits


def written(source: Path, target: Path, fits: np.ndarray | None = None) -> bytes:
    with EventFile(source) as file, EventWriter(target) as writer:
        start = 0
        for batch in file.batches(size=20_000):
            count = len(batch.hits)
            own = no_extensions(count) if fits is None else fits[start : start + count]
            part = extend(file, batch, own)
            sizes = extended_sizes(file, batch, own)
            assert sizes.sum() == len(part)
            writer.write_items(part)
            start += count
    return target.read_bytes()


def test_the_layout_is_that_of_the_reference() -> None:
    assert EXTENSION.itemsize == 168
    record = fitted_extensions(1)
    values = [float(k) for k in range(1, 23)]
    single, double = record["single"], record["double"]
    for name in ("position", "amplitude", "steepness", "decay", "chi_square", "offset"):
        single[name] = values.pop(0)
    single["iterations"], single["status"] = 30, 31
    for pulse in (0, 1):
        for name in ("position", "amplitude", "steepness", "decay"):
            double["pulses"][name][0, pulse] = values.pop(0)
    double["chi_square"], double["offset"] = values.pop(0), values.pop(0)
    double["iterations"], double["status"] = 32, 33
    record["p_single"], record["p_double"] = 0.25, 0.75
    assert reference_reader.extension(record.tobytes()) == {
        "single": (1, 2, 3, 4, 5, 6, 30, 31),
        "pulses": ((7, 8, 9, 10), (11, 12, 13, 14)),
        "double": (15, 16, 32, 33),
        "p": (0.25, 0.75),
        "size": 168,
    }


def test_every_enclosing_size_grows_with_the_extension(segment: Path, tmp_path: Path) -> None:
    hits = len(EventFile(segment).read().hits)
    fits = some_fits(hits)
    data = written(segment, tmp_path / "fitted.evt", fits)
    before = reference_reader.items(segment.read_bytes())
    after = reference_reader.items(data)
    k = 0
    for old, new in zip(before, after, strict=True):
        if old[4] != 30:
            assert old == new
            continue
        pairs = zip(reference_reader.fragments(old), reference_reader.fragments(new), strict=True)
        for (*old_stamp, old_inner), (*new_stamp, new_inner) in pairs:
            assert old_stamp == new_stamp
            hit = reference_reader.hit(reference_reader.body(new_inner))
            expected = fits[k].tobytes() if k % 2 == 0 else b"\4\0\0\0"
            assert hit.pop("extension") == expected
            plain = reference_reader.hit(reference_reader.body(old_inner))
            assert plain.pop("extension") == b""
            assert hit == plain
            k += 1
    assert k == hits


def test_extensions_are_read_back(segment: Path, tmp_path: Path) -> None:
    plain = EventFile(segment).read()
    fits = some_fits(len(plain.hits))
    written(segment, tmp_path / "fitted.evt", fits)
    batch = EventFile(tmp_path / "fitted.evt").read()
    assert batch.extensions.tobytes() == fits.tobytes()
    assert is_fitted(batch.extensions).tolist() == [k % 2 == 0 for k in range(len(fits))]
    assert batch.traces.tobytes() == plain.traces.tobytes()


def test_fitting_twice_is_fitting_once_and_can_be_undone(segment: Path, tmp_path: Path) -> None:
    hits = len(EventFile(segment).read().hits)
    first, second = some_fits(hits, seed=1), some_fits(hits, seed=2)
    legacy = first.copy()
    legacy["size"] = 144
    once = written(segment, tmp_path / "once.evt", second)
    written(segment, tmp_path / "first.evt", first)
    assert written(tmp_path / "first.evt", tmp_path / "again.evt", second) == once
    written(tmp_path / "again.evt", tmp_path / "legacy.evt", legacy)
    assert written(tmp_path / "legacy.evt", tmp_path / "third.evt", second) == once
    assert written(tmp_path / "third.evt", tmp_path / "bare.evt") == segment.read_bytes()


def test_extensions_from_before_version_6_have_no_probabilities(tmp_path: Path) -> None:
    fits = some_fits(1)
    path = tmp_path / "old.evt"
    path.write_bytes(built(ring_item(30, one_hit(fits.tobytes()[:144]), source=1)))
    record = EventFile(path).read().extensions
    assert record["size"].tolist() == [144]
    assert record["single"].tobytes() == fits["single"].tobytes()
    assert record["double"].tobytes() == fits["double"].tobytes()
    assert (record["p_single"][0], record["p_double"][0]) == (0, 0)


def test_what_is_not_a_hit_passes_byte_for_byte(tmp_path: Path) -> None:
    hit = ring_item(30, one_hit(), source=1)
    spoilt = ring_item(30, one_hit(b"five!"), source=1)
    other = ring_item(20, bytes(24), source=1)
    unknown = ring_item(0x9001, b"a site's own")
    opaque = ring_item(30, b"words of a VME crate")
    path = tmp_path / "mixed.evt"
    data = built(hit, spoilt, other, hit)
    path.write_bytes(data + unknown + opaque + data)
    file = EventFile(path, "skip")
    batch = file.read()
    assert len(batch.hits) == 4
    assert extend(file, batch, batch.extensions).tobytes() == path.read_bytes()
    fits = null_extensions(4)
    longer = ring_item(30, one_hit(b"\4\0\0\0"), source=1)
    expected = built(longer, spoilt, other, longer)
    whole = expected + unknown + opaque + expected
    assert extend(file, batch, fits).tobytes() == whole


def test_single_hits_and_fragments_are_extended_too(tmp_path: Path) -> None:
    null = b"\4\0\0\0"
    path = tmp_path / "unbuilt.evt"

    def both(tail: bytes) -> bytes:
        single = ring_item(30, one_hit(tail), source=1)
        return single + ring_item(40, single, source=1, timestamp=2) + single

    path.write_bytes(both(b""))
    file = EventFile(path)
    batch = file.read()
    assert extend(file, batch, null_extensions(3)).tobytes() == both(null)


def test_results_that_do_not_fit_the_hits_are_refused(segment: Path) -> None:
    file = EventFile(segment)
    batch = file.read()
    with pytest.raises(ValueError, match="give one each"):
        extend(file, batch, no_extensions(3))
    wrong = no_extensions(len(batch.hits))
    wrong["size"] = 12
    with pytest.raises(ValueError, match="0, 4, 144 or 168"):
        extend(file, batch, wrong)


def test_columns_name_every_parameter_once() -> None:
    fits = some_fits(4)
    columns = flat_columns(fits)
    assert (
        columns["double_amplitude2"].tolist()
        == fits["double"]["pulses"]["amplitude"][:, 1].tolist()
    )
    assert columns["single_decay"].tolist() == fits["single"]["decay"].tolist()
    assert columns["extension"].tolist() == [168, 4, 168, 4]
    # single 8, two pulses of 4, the double fit's 4, two probabilities, the size
    assert len(columns) == 8 + 8 + 4 + 2 + 1
