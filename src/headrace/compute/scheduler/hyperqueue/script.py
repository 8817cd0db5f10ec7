"""The ``#HQ`` lines of job scripts: those that users write, and those that headrace writes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from ..base import ScriptParts
from ..directives import DirectiveLine, Directives
from ..errors import BatchJobError
from ..memory import memory_amount
from ..option_words import read_options
from ..request import JobRequest, walltime_seconds

# What the job's directory has in their place.
_REPLACED: Final = frozenset({"stdout", "stderr"})
# What would make another job of it than the one that is waited for.
_REFUSED: Final = {
    **dict.fromkeys(("array", "each-line", "from-json"), "one call runs one job"),
    **dict.fromkeys(("wait", "progress", "on-notify"), "the call waits"),
    **dict.fromkeys(("job", "stdin", "stream", "directives"), "headrace submits a script"),
    "cwd": "the call says where it runs",
    "env": "variables are given with environment={...}",
    "max-fails": "a job has one task",
}
_SETTINGS: Final = {"name": "name", "nodes": "nodes", "time-limit": "walltime"}
_ALONE: Final = frozenset({"wait", "progress", "stdin", "task-dir"})
_GPUS: Final = "gpus/nvidia"


def parse_directives(lines: Sequence[DirectiveLine]) -> Directives:
    """Read directives as ``hq submit`` does.

    Raises:
        BatchJobError: a line cannot be read, or contradicts what headrace does.
    """
    settings: dict[str, Any] = {}
    others: list[str] = []
    replaced: list[str] = []
    for line in lines:
        for name, value in read_options(line, "#HQ", "hq submit", {}, _ALONE):
            where = f"{line.location}: #HQ --{name}"
            if name in _REFUSED:
                raise BatchJobError(f"{where}: leave it out; {_REFUSED[name]}")
            option = f"--{name}" if value is None else f"--{name}={value}"
            if name in _REPLACED:
                replaced.append(option)
            elif name not in _SETTINGS:
                others.append(option)
            elif name == "nodes":
                if not (value or "").isdigit():
                    raise BatchJobError(f"{where}: must be a number of nodes")
                settings["nodes"] = max(int(value or 0), 1)  # 0 is one node that others may share
            elif name == "time-limit" and walltime_seconds(value or "") is None:
                raise BatchJobError(f"{where}: write it as HH:MM:SS")
            else:
                settings[_SETTINGS[name]] = value or ""
    return Directives(settings, tuple(others), tuple(replaced))


def script_parts(request: JobRequest) -> ScriptParts:
    """Return ``#HQ`` lines, and the ``mpiexec``.

    Account, partition, QOS and constraint are those of the allocation that HyperQueue's workers
    run in, and are left out.

    Raises:
        BatchJobError: HyperQueue cannot run such a job, or an option is one that headrace sets.
    """
    if request.nodes > 1:
        raise BatchJobError(
            f"nodes = {request.nodes}: HyperQueue runs jobs of one node here; submit jobs of "
            "several to the allocation's scheduler"
        )
    if request.launcher not in ("", "mpiexec"):
        raise BatchJobError(f"launcher {request.launcher!r}: must be mpiexec with HyperQueue")
    if request.gres:
        raise BatchJobError(
            f"gres = {request.gres!r}: HyperQueue has none; set gpus, or options = "
            '["--resource=NAME=AMOUNT"]'
        )
    named = set()
    for option in request.options:
        name = option.partition("=")[0].removeprefix("--")
        if not option.startswith("--") or set(option) & set(" \t\"'\\"):
            raise BatchJobError(f"option {option!r}: write it as --option=value, without spaces")
        if name in _REFUSED or name in _REPLACED or name in _SETTINGS:
            raise BatchJobError(f"option {option!r}: leave it out; headrace sets that itself")
        named.add(name)
    lines = [option for name, option in _options(request) if name not in named]
    return ScriptParts(
        [f"#HQ {option}" for option in (*lines, *request.options)], request.mpiexec_command()
    )


def _options(request: JobRequest) -> list[tuple[str, str]]:
    """Return options with the names by which the request's own replace them."""
    found = [("cpus", f"--cpus={request.ntasks * request.cpus_per_task}")]
    if request.gpus:
        found.append(("", f"--resource={_GPUS}={request.gpus}"))
    if request.memory:
        amount = memory_amount(request.memory)
        if amount is None:
            raise BatchJobError(f"memory {request.memory!r}: write it as 64G or 2000M")
        found.append(("", f"--resource=mem={math.ceil(amount)}"))
    if not math.isinf(request.seconds):
        seconds = f"{request.seconds:.0f}s"
        # A worker whose own time ends before the job's would take the job with it.
        found += [("", f"--time-limit={seconds}"), ("time-request", f"--time-request={seconds}")]
    if not request.requeue:
        found.append(("crash-limit", "--crash-limit=never-restart"))
    return found
