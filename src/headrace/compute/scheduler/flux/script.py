"""The ``#flux:`` lines of job scripts: those that users write, and those that headrace writes."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, Final

from ..base import ScriptParts
from ..directives import DirectiveLine, Directives
from ..errors import BatchJobError
from ..option_words import read_options
from ..request import JobRequest, walltime_seconds

_LONG: Final = {
    **{"N": "nodes", "n": "nslots", "c": "cores-per-slot", "g": "gpus-per-slot"},
    **{"t": "time-limit", "q": "queue", "B": "bank", "x": "exclusive", "S": "setattr"},
    **{"o": "setopt"},
}
_ALONE: Final = frozenset({"x", "exclusive"})
# What the job's directory has in their place.
_REPLACED: Final = frozenset({"output", "error"})
# What would make another job of it than the one that is waited for.
_REFUSED: Final = {
    **dict.fromkeys(("wrap", "dry-run", "flags", "cc", "bcc"), "headrace submits a script"),
    **dict.fromkeys(("env", "env-remove", "env-file"), "variables are given with environment={}"),
    "cwd": "the call says where it runs",
    "dependency": "the call waits for nothing but the job",
}
_SETTINGS: Final = {
    **{"job-name": "name", "nodes": "nodes", "nslots": "ntasks", "queue": "partition"},
    **{"cores-per-slot": "cpus_per_task", "time-limit": "walltime", "bank": "account"},
}
_NUMBERS: Final = frozenset({"nodes", "ntasks", "cpus_per_task"})
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)([smhd]?)")
_SECONDS: Final = {"": 60, "s": 1, "m": 60, "h": 3600, "d": 86_400}


def parse_directives(lines: Sequence[DirectiveLine]) -> Directives:
    """Read directives as ``flux batch`` does.

    Raises:
        BatchJobError: a line cannot be read, or contradicts what headrace does.
    """
    settings: dict[str, Any] = {}
    others: list[str] = []
    replaced: list[str] = []
    gpus = 0
    for line in lines:
        for name, value in read_options(line, "#flux:", "flux batch", _LONG, _ALONE):
            where = f"{line.location}: #flux: --{name}"
            if name in _REFUSED:
                raise BatchJobError(f"{where}: leave it out; {_REFUSED[name]}")
            option = f"--{name}" if value is None else f"--{name}={value}"
            setting = _SETTINGS.get(name)
            if name in _REPLACED:
                replaced.append(option)
            elif setting in _NUMBERS or name == "gpus-per-slot":
                if not (value or "").isdigit():
                    raise BatchJobError(f"{where}: must be a number")
                if setting is None:
                    gpus = int(value or 0)
                else:
                    settings[setting] = int(value or 0)
            elif setting == "walltime":
                settings[setting] = _walltime(value or "", where)
            elif setting is not None:
                settings[setting] = value or ""
            else:
                others.append(option)
    if gpus:
        settings["gpus"] = gpus * settings.get("ntasks", 1)
    return Directives(settings, tuple(others), tuple(replaced))


def script_parts(request: JobRequest) -> ScriptParts:
    """Return ``#flux:`` lines, and the ``flux run`` that starts ranks within the job.

    Raises:
        BatchJobError: Flux cannot run such a job, or an option is one that headrace sets.
    """
    for name in ("qos", "memory", "gres"):
        if getattr(request, name):
            raise BatchJobError(f"{name} = {getattr(request, name)!r}: Flux has none; leave it out")
    if request.gpus % request.ntasks:
        raise BatchJobError(
            f"gpus = {request.gpus}: Flux gives each of {request.ntasks} ranks the same number"
        )
    for option in request.options:
        name = option.partition("=")[0].removeprefix("--")
        if not option.startswith("--") or set(option) & set("\"'\\"):
            raise BatchJobError(f"option {option!r}: write it as --option=value")
        if name in _REFUSED or name in _REPLACED or name in (*_SETTINGS, "gpus-per-slot"):
            raise BatchJobError(f"option {option!r}: leave it out; headrace sets that itself")
    lines = [*_options(request), *request.options]
    quoted = [f'"{line}"' if " " in line else line for line in lines]
    return ScriptParts([f"#flux: {line}" for line in quoted], _launch_command(request))


def _options(request: JobRequest) -> list[str]:
    return [
        f"--job-name={request.name}",
        f"--nodes={request.nodes}",
        f"--nslots={request.ntasks}",
        f"--cores-per-slot={request.cpus_per_task}",
        *([f"--gpus-per-slot={request.gpus // request.ntasks}"] if request.gpus else []),
        *([] if math.isinf(request.seconds) else [f"--time-limit={request.seconds:.0f}s"]),
        *([f"--bank={request.account}"] if request.account else []),
        *([f"--queue={request.partition}"] if request.partition else []),
        *([f"--requires={request.constraint}"] if request.constraint else []),
    ]


def _launch_command(request: JobRequest) -> str:
    if request.launcher == "mpiexec":
        return request.mpiexec_command()
    if request.launcher not in ("", "flux"):
        raise BatchJobError(f"launcher {request.launcher!r}: must be flux or mpiexec")
    gpus = f" --gpus-per-task={request.gpus // request.ntasks}" if request.gpus else ""
    return (
        f"flux run --nodes={request.nodes} --ntasks={request.ntasks}"
        f" --cores-per-task={request.cpus_per_task}{gpus}"
    )


def _walltime(text: str, where: str) -> str:
    """Return a Flux duration, such as ``90s``, ``1.5h`` or minutes, as ``walltime``."""
    match = _DURATION.fullmatch(text)
    if match is None:
        if walltime_seconds(text) is None:
            raise BatchJobError(f"{where}: {text!r}: write it as 30m")
        return text
    seconds = math.ceil(float(match[1]) * _SECONDS[match[2]])
    # Zero is no limit there.
    return f"00:00:{seconds}" if seconds < 60 else _clock(seconds) if seconds else "UNLIMITED"


def _clock(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
