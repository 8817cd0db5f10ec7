"""FireWorks: workflows of one ScriptTask, from a LaunchPad in memory. Prints JSON.

The LaunchPad's database is mongomock's, in this process: no server, no network, nothing durable.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sys
import time

import fireworks.core.launchpad
import mongomock
import mongomock.gridfs
from fireworks import Firework, FWorker, LaunchPad, ScriptTask, Workflow
from fireworks.core.rocket_launcher import rapidfire


def main(members: int, added: int) -> None:
    """Add workflows, and launch as many as there are members, one after the other."""
    mongomock.gridfs.enable_gridfs_integration()
    fireworks.core.launchpad.MongoClient = mongomock.MongoClient
    logging.disable(logging.CRITICAL)
    pad = LaunchPad(strm_lvl="CRITICAL")

    def add(count: int) -> float:
        pad.reset("", require_password=False, max_reset_wo_password=10**6)
        begun = time.perf_counter()
        tasks = ([ScriptTask.from_str("true")] for _ in range(count))
        pad.bulk_add_wfs([Workflow([Firework(task)]) for task in tasks])
        return time.perf_counter() - begun

    with contextlib.redirect_stdout(sys.stderr):
        adding = add(added)
        add(members)
        begun = time.perf_counter()
        rapidfire(pad, FWorker(), strm_lvl="CRITICAL", sleep_time=0)
        seconds = time.perf_counter() - begun
    if pad.fireworks.count_documents({"state": "COMPLETED"}) != members:
        raise SystemExit("fireworks: not every firework has completed")
    print(json.dumps({"ms_each": 1e3 * seconds / members, "added_per_second": added / adding}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
