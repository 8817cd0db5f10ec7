"""Firetasks as lines of a shell script, which ends at the first line that fails."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from headrace.campaigns.fireworks.file_commands import FILE_TASKS
from headrace.campaigns.fireworks.tasks import NotTakenOver, TaskScript

Task = Mapping[str, Any]
Spec = Mapping[str, Any]

_CALL: Final = """\
import json, sys
from importlib import import_module
module, name, args, kwargs, key = json.loads(sys.argv[1])
output = getattr(import_module(module), name)(*args, **kwargs)
if key:
    print(json.dumps({key: output}))
"""


def task_script(task: Task, spec: Spec, directory: Path) -> TaskScript:
    """Return the lines of a Firetask.

    Args:
        task: the Firetask, as the file has it.
        spec: the Firework's specification.
        directory: where the file is, beside which templates are looked for.

    Raises:
        NotTakenOver: it cannot be one of a shell script; says why.
    """
    name = task_name(task)
    make = _TASKS.get(name)
    if make is None:
        if not name:
            raise NotTakenOver("a task without _fw_name")
        raise NotTakenOver("is Python code of its own: have a ScriptTask or PyTask call it")
    parameters = spec if task.get("use_global_spec") else task
    return make(parameters, spec, directory)


def task_name(task: Task) -> str:
    """Return the class of a Firetask, whichever way it is written."""
    name = str(task.get("_fw_name", ""))
    if name.startswith("{{"):
        name = name.strip("{}").rpartition(".")[2]
    return name.replace(" ", "") if name.replace(" ", "") in _TASKS else name


def _script_task(task: Task, spec: Spec, directory: Path) -> TaskScript:
    del directory
    scripts = task.get("script")
    texts = [scripts] if isinstance(scripts, str) else scripts
    if not isinstance(texts, list) or not texts:
        raise NotTakenOver("ScriptTask without script")
    if task.get("stdin_file") and task.get("stdin_key"):
        raise NotTakenOver("ScriptTask has both stdin_file and stdin_key")
    lines, notes = [], []
    for text in map(str, texts):
        line = _one_script(task, text)
        if key := task.get("stdin_key"):
            if key not in spec:
                raise NotTakenOver(f"ScriptTask reads {key!r}, which other Fireworks put into it")
            line = f"printf %s {shlex.quote(str(spec[key]))} | {line}"
        if task.get("stdin_file"):
            line += f" < {shlex.quote(str(task['stdin_file']))}"
        for name, arrow in (("stdout_file", ">>"), ("stderr_file", "2>>")):
            if task.get(name):
                line += f" {arrow} {shlex.quote(str(task[name]))}"
        lines.append(line)
    if task.get("defuse_bad_rc"):
        notes.append("defuse_bad_rc: a code other than 0 fails the member, and what needs it waits")
    elif not task.get("fizzle_bad_rc", True):
        lines = [f"{{ {' && '.join(lines)}; }} || true"]
    if task.get("store_stdout") or task.get("store_stderr"):
        notes.append("what is printed stands in member.out and member.err, and in no database")
    return TaskScript(lines, notes)


def _one_script(task: Task, text: str) -> str:
    if task.get("use_shell", True):
        shell = task.get("shell_exe") or "/bin/sh"
        return f"{shlex.quote(str(shell))} -c {shlex.quote(text)}"
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise NotTakenOver(f"ScriptTask: {text!r} is no command: {error}") from error
    if not words:
        raise NotTakenOver("ScriptTask without a command")
    return shlex.join(words)


def _py_task(task: Task, spec: Spec, directory: Path) -> TaskScript:
    del directory
    module, _, function = str(task.get("func", "")).rpartition(".")
    if not function:
        raise NotTakenOver("PyTask without func")
    if (module or "builtins").split(".")[0] == "fireworks":
        raise NotTakenOver(f"PyTask calls {task['func']}, which is FireWorks' own")
    if task.get("outputs"):
        raise NotTakenOver("PyTask puts its outputs into the spec of other Fireworks")
    inputs = task.get("inputs") or []
    if missing := [key for key in inputs if key not in spec]:
        raise NotTakenOver(f"PyTask reads {missing[0]!r}, which other Fireworks put into it")
    arguments = [*(task.get("args") or []), *(spec[key] for key in inputs)]
    keywords = dict(task.get("kwargs") or {})
    if task.get("auto_kwargs"):
        own = {"func", "args", "kwargs", "auto_kwargs", "stored_data_varname", "inputs", "outputs"}
        keywords = {k: v for k, v in task.items() if k not in own and not k.startswith("_")}
    try:
        call = json.dumps(
            [module or "builtins", function, arguments, keywords, task.get("stored_data_varname")]
        )
    except (TypeError, ValueError) as error:
        raise NotTakenOver(f"PyTask: its arguments are no JSON: {error}") from error
    return TaskScript([f"python3 -c {shlex.quote(_CALL)} {shlex.quote(call)}"])


def _command_line_task(task: Task, spec: Spec, directory: Path) -> TaskScript:
    del spec, directory
    command_spec = task.get("command_spec")
    command = command_spec.get("command") if isinstance(command_spec, Mapping) else None
    words = command.split() if isinstance(command, str) else command
    if not isinstance(words, list) or not words or not all(isinstance(one, str) for one in words):
        raise NotTakenOver("CommandLineTask without a plain command")
    if task.get("inputs") or task.get("outputs"):
        raise NotTakenOver("CommandLineTask binds inputs and outputs of other Fireworks")
    return TaskScript([shlex.join(words)])


_TASKS: Final[Mapping[str, Callable[[Task, Spec, Path], TaskScript]]] = {
    "ScriptTask": _script_task,
    "PyTask": _py_task,
    "CommandLineTask": _command_line_task,
    **FILE_TASKS,
}
