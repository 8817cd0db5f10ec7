"""Causes of failed runs are kept in bounded memory."""

from __future__ import annotations

import sys

from headrace.facility.store.known_causes import KnownCauses, is_short


def test_a_cause_is_kept() -> None:
    known = KnownCauses()
    known.keep("one", ("lost", "lost (Broken)"))
    known.keep("one", ("lost", "lost (Broken)"))
    assert known.get("one") == ("lost", "lost (Broken)")
    assert known.get("two") is None


def test_long_causes_are_read_anew() -> None:
    known = KnownCauses()
    for number, text in enumerate(["x" * 2_000, "\N{GRINNING FACE}" * 600]):
        assert not is_short((text, ""))
        known.keep(str(number), (text, ""))
    assert len(known) == 0


def test_all_together_take_no_more_than_their_memory() -> None:
    known = KnownCauses(max_bytes=100_000)
    texts = {
        str(number): (f"cause {number} " * 20, f"line {number} " * 20) for number in range(500)
    }
    for run_id, pair in texts.items():
        known.keep(run_id, pair)
    kept = [run_id for run_id in texts if known.get(run_id) is not None]
    assert kept == [*texts][-len(kept) :]
    assert 50 < len(kept) == len(known)
    assert sum(sys.getsizeof(text) for run_id in kept for text in texts[run_id]) < 100_000
