"""Text that is submitted: the job script between the records of its host and its exit code."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ..scheduler import JobVariables, Scheduler
from .errors import BatchJobError
from .settings import JobSettings

_RUNNERS = ("apptainer", "shifter", "podman-hpc")
_SHELLS = ("/bin/bash", "/usr/bin/bash")


def job_text(
    scheduler: Scheduler,
    settings: JobSettings,
    directory: Path,
    workdir: Path,
    script: Path,
    tag: str,
) -> str:
    """Return the text that is submitted.

    Args:
        scheduler: the scheduler that runs it.
        settings: resources and arguments of the job.
        directory: the job's directory.
        workdir: where the script runs.
        script: the copy of the script that is run.
        tag: name of the submission.
    """
    variables, parts = scheduler.variables, scheduler.script_parts(settings)
    call = shlex.join(script_command(settings, script, settings.arguments))
    return f"""#!/bin/bash
{_lines(parts.header)}
directory={shlex.quote(str(directory))}
record=$directory
tag={shlex.quote(tag)}
job="{variables.job_id}"
_restarts="{variables.restarts}"
{_CLAIM}
exec >>"$directory/stdout" 2>>"$directory/stderr"
_shown=$job
_host="$directory/host.json"
{_host_record(variables)}
cd {shlex.quote(str(workdir))} || exit 125
{_run(call, parts.shell_signal)}
{_EXIT_RECORD}
"""


def array_text(
    scheduler: Scheduler,
    settings: JobSettings,
    directory: Path,
    part: Path,
    workdir: Path,
    script: Path,
    tag: str,
) -> str:
    """Return the text of an array: each member is one call of the script.

    A member finds its number and its arguments in the line of ``members.txt`` in the part's
    directory that its index counts to, writes to ``members/NUMBER.out``, records its host in
    ``members/NUMBER.json``, and leaves its end in ``members/NUMBER.ended`` and its exit code in
    ``exit_codes/NUMBER``.

    Args:
        scheduler: the scheduler that runs it; it has arrays.
        settings: resources of each member.
        directory: the directory of all arrays.
        part: the directory of this one.
        workdir: where the script runs.
        script: the copy of the script that is run.
        tag: name of the submission.
    """
    variables, parts = scheduler.variables, scheduler.script_parts(settings)
    call = f'{shlex.join(script_command(settings, script, []))} "${{arguments[@]}}"'
    return f"""#!/bin/bash
{_lines(parts.header)}
directory={shlex.quote(str(directory))}
record={shlex.quote(str(part))}
tag={shlex.quote(tag)}
job="{variables.array_job_id}"
_restarts="{variables.restarts}"
_index="{variables.array_index}"
{_CLAIM}
line=$(sed -n "$((_index + 1))p" "$record/members.txt")
member=${{line%% *}}
[ -n "$member" ] || exit 125
eval "arguments=(${{line#"$member"}})"
export HEADRACE_MEMBER=$member
exec >>"$directory/members/$member.out" 2>>"$directory/members/$member.err"
_shown="${{job}}_$_index"
_host="$directory/members/$member.json"
{_host_record(variables)}
cd {shlex.quote(str(workdir))} || exit 125
{_run(call, parts.shell_signal)}
note="$directory/exit_codes/.$member.$_own"
date -u +%Y-%m-%dT%H:%M:%SZ >"$directory/members/$member.ended"
printf '%s %s %s\\n' "$code" "$job" "$_restarts" >"$note" &&
  mv "$note" "$directory/exit_codes/$member"
exit "$code"
"""


def script_command(settings: JobSettings, script: Path, arguments: object) -> list[str]:
    """Return the command for a script, in its container where it has one.

    Args:
        settings: settings of the job.
        script: the copy of the script that is run.
        arguments: its arguments.

    Raises:
        BatchJobError: the container is not written as it must be.
    """
    words = [*_interpreter(settings.script), str(script)]
    command = [*words, *(str(argument) for argument in _listed(arguments))]
    if not settings.container:
        return command
    runner, _, image = settings.container.partition(":")
    if runner not in _RUNNERS or not image or image.startswith("-"):
        raise BatchJobError(
            f"container {settings.container!r}: must be apptainer:IMAGE, shifter:IMAGE or "
            "podman-hpc:IMAGE"
        )
    binds = {**{str(inside): str(outside) for inside, outside in settings.binds.items()}}
    for inside, outside in binds.items():
        if not (inside.startswith("/") and outside.startswith("/")) or set(":;,") & set(
            inside + outside
        ):
            raise BatchJobError(f"bind {outside!r} at {inside!r}: absolute paths without ':;,'")
    binds.setdefault(str(script.parent), str(script.parent))
    if runner == "apptainer":
        volumes = [word for inside, out in binds.items() for word in ("--bind", f"{out}:{inside}")]
        return ["apptainer", "exec", *volumes, image, *command]
    if runner == "shifter":
        volumes = [f"--volume={';'.join(f'{out}:{inside}' for inside, out in binds.items())}"]
        return ["shifter", f"--image={image}", *volumes, "--module=none", *command]
    volumes = [word for inside, out in binds.items() for word in ("--volume", f"{out}:{inside}")]
    return ["podman-hpc", "run", "--rm", *volumes, image, *command]


def _run(command: str, signal: str) -> str:
    """Return the lines that run the script, and hand a signal on to it."""
    if not signal:
        return f"{command}\ncode=$?"
    # The batch shell gets it, which is this script and not the user's.
    # The trap is set first: without one, a signal that comes early ends this shell and all with it.
    return f"""trap 'kill -s {signal} "$!" 2>/dev/null' {signal}
{command} &
child=$!
wait "$child"
code=$?
while kill -0 "$child" 2>/dev/null; do
  wait "$child"
  code=$?
done"""


def _listed(arguments: object) -> list[object]:
    return list(arguments) if isinstance(arguments, list | tuple) else []


def _interpreter(script: Path) -> list[str]:
    """Return what the script's first line says that it is run by; bash where it says nothing."""
    try:
        with script.open("rb") as stream:
            first = stream.readline(4096)
    except OSError as error:
        raise BatchJobError(f"{script}: {error.strerror}") from error
    if first.endswith(b"\r\n"):
        raise BatchJobError(f"{script}: has DOS line ends; dos2unix mends that")
    if not first.startswith(b"#!"):
        return ["bash"]
    # As the kernel reads it: all that follows the interpreter is one argument.
    interpreter, _, argument = first[2:].decode("utf-8", "replace").strip().partition(" ")
    if not interpreter:
        return ["bash"]
    if interpreter in _SHELLS:
        # In a container, and on some systems, it is elsewhere.
        interpreter = "bash"
    return [interpreter, *([argument.strip()] if argument.strip() else [])]


def _lines(header: Sequence[str]) -> str:
    for line in header:
        if "\n" in line or not line.startswith("#"):
            raise BatchJobError(f"header {line!r}: must be one line that begins with #")
    return "\n".join(header)


# A job that is in the queue twice, for the answer to its submission was lost, runs once: the first
# one to start writes its id down. The directory may belong to another task's job by now; a file
# system that many machines share may show that late, so it is looked at again before giving up.
_CLAIM: Final = """for pause in 1 2 4 8 15 30 30 0; do
  recorded=$(cat "$record/submission.json" 2>/dev/null)
  case $recorded in "" | *"\\"$tag\\""*) break ;; esac
  ls "$record" >/dev/null 2>&1
  sleep "$pause"
done
case $recorded in
  "" | *"\\"$tag\\""*) ;;
  *) echo "headrace: another task has $record by now; nothing was run" >&2; exit 126 ;;
esac
_own="$(hostname).$$"
mine="$record/.owner.$_own"
printf '%s\\n' "$job" >"$mine" && ln "$mine" "$record/owner" 2>/dev/null
rm -f "$mine"
owner=$(cat "$record/owner" 2>/dev/null)
if [ -n "$owner" ] && [ "$owner" != "$job" ]; then
  echo "headrace: job $owner does the work of this one; nothing was run" >&2
  exit 126
fi"""
_HOST_RECORD: Final = """mkdir -p "$directory/exit_codes"
text() { local t=${1//\\\\/\\\\\\\\}; printf '"%s"' "${t//\\"/\\\\\\"}"; }
printf '{"host": %s, "nodes": %s, "job_id": "%s", "scratch": %s, "cores": %s, ' \\
  "$(text "$(hostname)")" "$(text "$_nodes")" "$_shown" \\
  "$(text "${TMPDIR:-/tmp}")" "$(text "$_cores")" >"$_host.$_own" &&
printf '"restarts": %d, "started_at": "%s"}\\n' \\
  "$_restarts" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" >>"$_host.$_own" &&
  mv "$_host.$_own" "$_host"
"""
_EXIT_RECORD: Final = """note="$directory/exit_codes/.$_own"
printf '%s %s\\n' "$job.$_restarts" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" >"$directory/.ended_at.$$" &&
  mv "$directory/.ended_at.$$" "$directory/ended_at"
printf '%s\\n' "$code" >"$note" &&
  mv "$note" "$directory/exit_codes/$job.$_restarts"
printf '%s\\n' "$code" >"$directory/.exit_code.$$" &&
  mv "$directory/.exit_code.$$" "$directory/exit_code"
exit "$code\""""


def _host_record(variables: JobVariables) -> str:
    return f'_nodes="{variables.nodes}"\n_cores="{variables.cores}"\n{_HOST_RECORD}'
