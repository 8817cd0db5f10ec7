"""Claims: parts of a ledger that one process has to itself at a time."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from headrace.errors import HeadraceError
from headrace.ledger_file import Claims, held_claims, holders


class Refused(HeadraceError):
    """A claim cannot be written."""


def test_claims_are_taken_all_or_none(tmp_path: Path) -> None:
    directory = tmp_path / "claims"
    with Claims(directory, Refused) as first, Claims(directory, Refused) as second:
        assert first.try_all(["b"]) == ""
        assert second.try_all(["a", "b"]) == "b"
        assert second.held == frozenset()
        assert second.try_one("a")
        assert second.try_one("a")
        first.release("b")
        assert second.try_all(["a", "b"]) == ""
        assert (second.held, second.is_held("b"), first.is_held("b")) == ({"a", "b"}, True, False)
    assert held_claims(directory) == set()


def test_who_holds_a_claim_is_told(tmp_path: Path) -> None:
    with Claims(tmp_path, Refused) as claims:
        claims.try_all(["a", "b", ".notifier"])
        assert held_claims(tmp_path) == {"a", "b"}
        (holder,) = holders(tmp_path)
        assert (holder.pid, holder.host) == (os.getpid(), socket.gethostname())
        assert holder.names == ("a", "b")
        assert claims.find_holder("a") == holder
        assert claims.find_holder("c") is None


def test_a_claim_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "claims").write_text("")
    with Claims(tmp_path / "claims", Refused) as claims, pytest.raises(Refused, match="cannot be"):
        claims.try_one("a")
