"""What Slurm runs: the job script, with its place noted before and its exit code after."""

from __future__ import annotations

import shlex
from pathlib import Path

from .errors import BatchJobError
from .settings import JobSettings

_RUNNERS = ("apptainer", "shifter", "podman-hpc")


def job_text(settings: JobSettings, directory: Path, workdir: Path, script: Path) -> str:
    """Returns the text that is submitted.

    Args:
        settings: what the job asks for.
        directory: the job's directory.
        workdir: where the script runs.
        script: the copy of the script that is run.
    """
    options = "\n".join(f"#SBATCH {option}" for option in settings.sbatch_options())
    command = shlex.join(contained(settings, [str(script), *settings.arguments]))
    return f"""#!/bin/bash
{options}
{_NOTE_PLACE.format(directory=shlex.quote(str(directory)))}
cd {shlex.quote(str(workdir))} || exit 125
{command}
code=$?
{_NOTE_END}
"""


def array_text(settings: JobSettings, directory: Path, workdir: Path, script: Path) -> str:
    """Returns the text of an array: each member is one call of the script.

    A member finds its arguments in the line of ``members`` that has its number, its output in
    ``members/NUMBER.out``, and leaves its exit code in ``ended/NUMBER``.
    """
    options = "\n".join(f"#SBATCH {option}" for option in settings.sbatch_options())
    inside = '"${arguments[@]}"'
    command = f"{shlex.join(contained(settings, [str(script)]))} {inside}"
    return f"""#!/bin/bash
{options}
directory={shlex.quote(str(directory))}
member=$((SLURM_ARRAY_TASK_ID + ${{HEADRACE_FIRST_MEMBER:-0}}))
eval "arguments=($(sed -n "$((member + 1))p" "$directory/members.txt"))"
export HEADRACE_MEMBER=$member
cd {shlex.quote(str(workdir))} || exit 125
{command} >"$directory/members/$member.out" 2>"$directory/members/$member.err"
code=$?
printf '%s\\n' "$code" >"$directory/ended/.$member.$SLURM_JOB_ID" &&
  mv "$directory/ended/.$member.$SLURM_JOB_ID" "$directory/ended/$member"
exit "$code"
"""


def contained(settings: JobSettings, words: list[str]) -> list[str]:
    """Returns the command for a script, in its container where it has one.

    Raises:
        BatchJobError: the container is not written as it must be.
    """
    command = ["bash", *words]
    if not settings.container:
        return command
    runner, _, image = settings.container.partition(":")
    if runner not in _RUNNERS or not image or image.startswith("-"):
        raise BatchJobError(
            f"container {settings.container!r}: must be apptainer:IMAGE, shifter:IMAGE or "
            "podman-hpc:IMAGE"
        )
    script = words[0]
    binds = {**{str(inside): str(outside) for inside, outside in settings.binds.items()}}
    for inside, outside in binds.items():
        if not (inside.startswith("/") and outside.startswith("/")) or set(":;,") & set(
            inside + outside
        ):
            raise BatchJobError(f"bind {outside!r} at {inside!r}: absolute paths without ':;,'")
    binds.setdefault(str(Path(script).parent), str(Path(script).parent))
    if runner == "apptainer":
        volumes = [word for inside, out in binds.items() for word in ("--bind", f"{out}:{inside}")]
        return ["apptainer", "exec", *volumes, image, *command]
    if runner == "shifter":
        volumes = [f"--volume={';'.join(f'{out}:{inside}' for inside, out in binds.items())}"]
        return ["shifter", f"--image={image}", *volumes, "--module=none", *command]
    volumes = [word for inside, out in binds.items() for word in ("--volume", f"{out}:{inside}")]
    return ["podman-hpc", "run", "--rm", *volumes, image, *command]


_NOTE_PLACE = """directory={directory}
rm -f "$directory/exit_code"
printf '{{"host": "%s", "nodes": "%s", "job_id": "%s", "scratch": "%s", ' \\
  "$(hostname)" "${{SLURM_JOB_NODELIST:-$(hostname)}}" "${{SLURM_JOB_ID:-}}" "${{TMPDIR:-/tmp}}" \\
  >"$directory/.place.$$" &&
printf '"restarts": %d, "began": "%s"}}\\n' \\
  "${{SLURM_RESTART_COUNT:-0}}" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" >>"$directory/.place.$$" &&
  mv "$directory/.place.$$" "$directory/place.json"
"""
_NOTE_END = """printf '%s\\n' "$code" >"$directory/.exit_code.$$" &&
  mv "$directory/.exit_code.$$" "$directory/exit_code"
exit "$code\""""
