"""The ``#SBATCH`` lines of a job script."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..directives import DirectiveLine, Directives
from ..errors import BatchJobError
from ..option_words import read_options

_LONG: Final = {
    **{"A": "account", "a": "array", "b": "begin", "C": "constraint", "c": "cpus-per-task"},
    **{"D": "chdir", "d": "dependency", "e": "error", "F": "nodefile", "G": "gpus"},
    **{"H": "hold", "I": "immediate", "i": "input", "J": "job-name", "k": "no-kill"},
    **{"L": "licenses", "M": "clusters", "m": "distribution", "N": "nodes", "n": "ntasks"},
    **{"O": "overcommit", "o": "output", "p": "partition", "Q": "quiet", "q": "qos"},
    **{"S": "core-spec", "s": "oversubscribe", "t": "time", "W": "wait", "w": "nodelist"},
    **{"x": "exclude"},
}
_ALONE: Final = frozenset("HkOQsW")
# What the job's directory has in their place: stdout, stderr, both appended to.
_REPLACED: Final = frozenset({"output", "error", "open-mode", "quiet", "parsable"})
# What would make another job of it than the one that is waited for.
_REFUSED: Final = {
    "array": "run_batch_array makes arrays",
    "comment": "the comment is how a job is found again",
    "wait": "the call waits",
    "wrap": "the script is what is run",
    "test-only": "nothing would be run",
    "chdir": "the call says where it runs",
    "export": "variables are given with environment={...}",
    "export-file": "variables are given with environment={...}",
}
_SETTINGS: Final = {
    **{"job-name": "name", "nodes": "nodes", "ntasks": "ntasks", "time": "walltime"},
    **{"cpus-per-task": "cpus_per_task", "account": "account", "partition": "partition"},
    **{"qos": "qos", "constraint": "constraint", "gpus": "gpus", "gres": "gres", "mem": "memory"},
}
_NUMBERS: Final = frozenset({"nodes", "ntasks", "cpus_per_task", "gpus"})


def parse_directives(lines: Sequence[DirectiveLine]) -> Directives:
    """Read directives as sbatch does.

    Raises:
        BatchJobError: a line cannot be read, or contradicts what headrace does.
    """
    settings: dict[str, Any] = {}
    others: dict[str, str] = {}
    replaced: list[str] = []
    for line in lines:
        where, text = line.location, line.text
        if text.split() in (["hetjob"], ["packjob"]):
            raise BatchJobError(
                f"{where}: #SBATCH {text.strip()}: a job of several parts cannot be run"
            )
        for name, value in read_options(line, "#SBATCH", "sbatch", _LONG, _ALONE):
            if (name, value) == ("export", "ALL"):
                continue  # it is what sbatch does by itself
            if name in _REFUSED:
                raise BatchJobError(f"{where}: #SBATCH --{name}: leave it out; {_REFUSED[name]}")
            option = f"--{name}" if value is None else f"--{name}={value}"
            setting = _SETTINGS.get(name)
            if name in _REPLACED:
                replaced.append(option)
            elif setting in _NUMBERS and not re.fullmatch("[0-9]+", value or ""):
                others[name] = option  # such as --nodes=2-4, --gpus=a100:2
            elif setting is not None:
                settings[setting] = int(value or 0) if setting in _NUMBERS else value or ""
            elif name in ("requeue", "no-requeue"):
                settings["requeue"] = name == "requeue"
            else:
                others[name] = option
    _count_tasks(settings, others)
    return Directives(settings, tuple(others.values()), tuple(replaced))


def _count_tasks(settings: dict[str, Any], others: Mapping[str, str]) -> None:
    """Set the number of tasks where the script says how many there are on each node."""
    per_node = others.get("ntasks-per-node", "").partition("=")[2]
    if per_node.isdigit() and "ntasks" not in settings and "nodes" not in others:
        settings["ntasks"] = int(per_node) * settings.get("nodes", 1)
