"""Changes by others are seen, whenever the ledger was looked at."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

from headrace.ledger_file import ChangeWatch, open_connection
from headrace.triggers.ledger_kind import LEDGER_OF_ARRIVALS

ROUNDS = 150


def write(path: Path) -> None:
    with open_connection(path, LEDGER_OF_ARRIVALS) as database:
        database.execute("INSERT INTO rows VALUES (1)")


def count(path: Path) -> int:
    with open_connection(path, LEDGER_OF_ARRIVALS) as database:
        return int(database.execute("SELECT count(*) FROM rows").fetchone()[0])


def test_a_row_that_is_written_while_the_ledger_is_read_is_seen_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with open_connection(path, LEDGER_OF_ARRIVALS) as database:
        database.execute("CREATE TABLE rows (number INTEGER)")
        changes = ChangeWatch(path, LEDGER_OF_ARRIVALS)
        seen, rows = changes.state(), 0
        for written in range(1, ROUNDS + 1):
            writer = threading.Thread(target=write, args=(path,))
            writer.start()
            while writer.is_alive():
                if (state := changes.state()) != seen:
                    seen, rows = state, count(path)
            writer.join()
            if (state := changes.state()) != seen:
                seen, rows = state, count(path)
            assert rows == written
        assert changes.state() == seen, "nobody has written"
        changes.close()


def test_a_ledger_that_comes_goes_and_is_replaced_has_changed(tmp_path: Path) -> None:
    path, other = tmp_path / "ledger.db", tmp_path / "other.db"
    changes = ChangeWatch(path, LEDGER_OF_ARRIVALS)
    states = [changes.state()]
    assert changes.state() == states[0]
    for name in (path, other):
        with sqlite3.connect(name) as database:
            database.execute("CREATE TABLE rows (number INTEGER)")
        database.close()
    states.append(changes.state())
    other.rename(path)
    states.append(changes.state())
    path.unlink()
    states.append(changes.state())
    assert len(set(states)) == len(states)
    changes.close()
