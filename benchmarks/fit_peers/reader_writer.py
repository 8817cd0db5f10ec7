"""The usual way to share a segment among ranks: rank 0 reads, hands out and writes in order.

    mpiexec -n N python benchmarks/fit_peers/reader_writer.py IN.evt OUT.evt CHANNELS

Rank 0 sends the bytes of a piece to whoever is free and puts what comes back in order; it is
spared the decoding, which the workers do from the file. Prints the seconds that the fits and the
writing took, after the index is there.
"""

from __future__ import annotations

import heapq
import json
import sys
import time
from pathlib import Path
from typing import Any

from mpi4py import MPI

from headrace.datarun.events import EventFile, extend
from headrace.datarun.fit import fit_batch, read_channels

_ITEMS = 2000


def hand_out(world: Any, file: EventFile, target: Path) -> None:
    """Rank 0: pieces out, results back and in order onto the disk."""
    pieces = [(k, min(k + _ITEMS, len(file))) for k in range(0, len(file), _ITEMS)]
    status, waiting, due, at, sent = MPI.Status(), [], 0, 0, []
    with target.open("wb") as stream:
        while due < len(pieces):
            number, result = world.recv(source=MPI.ANY_SOURCE, status=status)
            if result is not None:
                heapq.heappush(waiting, (number, result))
            while waiting and waiting[0][0] == due:
                stream.write(heapq.heappop(waiting)[1])
                due += 1
            piece = None
            if at < len(pieces):
                first, last = pieces[at]
                begin, end = (int(file.index["offset"][k]) for k in (first, last - 1))
                end += int(file.index["size"][last - 1])
                piece = (at, first, last, file.data[begin:end].tobytes())
                at += 1
            sent = [request for request in sent if not request.Test()]
            sent.append(world.isend(piece, dest=status.Get_source()))  # a send would deadlock
    for request in sent:
        request.Wait()


def work(world: Any, file: EventFile, channels: Any) -> None:
    """Work as one of the other ranks: a piece, its fits, the next."""
    result: tuple[int, bytes | None] = (-1, None)
    while True:
        world.send(result, dest=0)
        piece = world.recv(source=0)
        if piece is None:
            return
        number, first, last, _ = piece
        batch = file.read(first, last)
        result = (number, extend(file, batch, fit_batch(batch, channels)).tobytes())


def main() -> None:
    """Fits a segment and prints how long that took."""
    world = MPI.COMM_WORLD
    source, target, settings = (Path(word) for word in sys.argv[1:])
    file, channels = EventFile(source), read_channels(settings)
    fit_batch(file.read(0, 10), channels)  # loads what is compiled
    world.Barrier()
    started = time.monotonic()
    if world.rank == 0:
        hand_out(world, file, target)
        print(json.dumps({"seconds": time.monotonic() - started}))
    else:
        work(world, file, channels)


if __name__ == "__main__":
    main()
