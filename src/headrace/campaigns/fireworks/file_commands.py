"""Firetasks that write, move, delete and pack files, as lines of a shell script."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from headrace.campaigns.fireworks.tasks import NotTakenOver, TaskScript

Task = Mapping[str, Any]

_COPIES: Final = {
    "move": "mv",
    "mv": "mv",
    "copy": "cp",
    "cp": "cp",
    "copyfile": "cp",
    "copy2": "cp -p",
    "copytree": "cp -r",
}
_PACKERS: Final = {"gz": "gzip", "bz2": "bzip2"}
_FORMATS: Final = ("zip", "tar", "bztar", "gztar")
_ARCHIVE: Final = "import shutil, sys; shutil.make_archive(sys.argv[1], sys.argv[2], root_dir='.')"


def _write(task: Task, spec: Task, directory: Path) -> TaskScript:
    del spec, directory
    lines = []
    for file in _records(task, "files_to_write"):
        if not isinstance(file, Mapping) or not {"filename", "contents"} <= set(file):
            raise NotTakenOver("FileWriteTask: a file without filename and contents")
        lines.append(_written(str(file["contents"]), _below(task, str(file["filename"])), False))
    return TaskScript(lines)


def _delete(task: Task, spec: Task, directory: Path) -> TaskScript:
    del spec, directory
    program = "rm -f --" if task.get("ignore_errors", True) else "rm --"
    names = [_below(task, str(name)) for name in _records(task, "files_to_delete")]
    return TaskScript([f"{program} {' '.join(map(shlex.quote, names))}"] if names else [])


def _transfer(task: Task, spec: Task, directory: Path) -> TaskScript:
    del spec, directory
    mode = str(task.get("mode", "move"))
    if mode == "rtransfer":
        raise NotTakenOver(
            "FileTransferTask copies to another machine by ssh: have results brought back by the "
            "flow, or a lane of its own"
        )
    if mode not in _COPIES:
        raise NotTakenOver(f"FileTransferTask: no mode {mode!r}")
    quote = _expanded if task.get("shell_interpret", True) else shlex.quote
    lines = []
    for entry in _records(task, "files"):
        source = entry.get("src") if isinstance(entry, Mapping) else entry
        target = entry.get("dest") if isinstance(entry, Mapping) else None
        target = target if target is not None else task.get("dest")
        if not isinstance(source, str) or not isinstance(target, str):
            raise NotTakenOver("FileTransferTask: a file without src and dest")
        lines.append(f"{_COPIES[mode]} -- {quote(source)} {quote(target)}")
    if task.get("ignore_errors"):
        lines = [f"{line} || true" for line in lines]
    return TaskScript(lines)


def _compress(task: Task, spec: Task, directory: Path) -> TaskScript:
    del spec, directory
    kind = str(task.get("compression", "gz"))
    if kind not in _PACKERS:
        raise NotTakenOver(f"CompressDirTask: no compression {kind!r}")
    place = shlex.quote(str(task.get("dest", ".")))
    line = f"find {place} -type f ! -name '*.{kind}' -exec {_PACKERS[kind]} -f {{}} +"
    return _errors_ignored(task, line)


def _decompress(task: Task, spec: Task, directory: Path) -> TaskScript:
    del spec, directory
    place = shlex.quote(str(task.get("dest", ".")))
    lines = [
        f"find {place} -type f -name '*.{suffix}' -exec {program} -d -f {{}} +"
        for suffix, program in _PACKERS.items()
    ]
    return _errors_ignored(task, " && ".join(lines))


def _archive(task: Task, spec: Task, directory: Path) -> TaskScript:
    del spec, directory
    name, kind = task.get("base_name"), str(task.get("format", "gztar"))
    if not isinstance(name, str) or kind not in _FORMATS:
        raise NotTakenOver("ArchiveDirTask without base_name, or of another format")
    return TaskScript([f"python3 -c {shlex.quote(_ARCHIVE)} {shlex.quote(name)} {kind}"])


def _template(task: Task, spec: Task, directory: Path) -> TaskScript:
    del spec
    name, output = task.get("template_file"), task.get("output_file")
    if not isinstance(name, str) or not isinstance(output, str):
        raise NotTakenOver("TemplateWriterTask without template_file and output_file")
    file = _template_file(task, name, directory)
    try:
        from jinja2 import TemplateError
        from jinja2.sandbox import SandboxedEnvironment
    except ModuleNotFoundError as error:
        raise NotTakenOver(
            "TemplateWriterTask needs Jinja2 here, which is not installed: "
            "`pip install 'headrace[endpoint]'`"
        ) from error
    try:
        # FireWorks escapes for HTML, and its users' files are written so.
        template = SandboxedEnvironment(autoescape=True).from_string(
            file.read_text(encoding="utf-8")
        )
        text = template.render(task.get("context") or {})
    except (TemplateError, OSError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise NotTakenOver(f"{file}: {reason}") from error
    note = f"the text of {output} was made of {file.name} now: it does not follow the template"
    return TaskScript([_written(text, output, bool(task.get("append")))], [note])


def _template_file(task: Task, name: str, directory: Path) -> Path:
    places = [Path(str(task["template_dir"]))] if task.get("template_dir") else []
    places.append(directory)
    installed = find_spec("fireworks")
    if installed is not None and installed.origin:
        places.append(Path(installed.origin).parent / "user_objects" / "firetasks" / "templates")
    for place in places:
        if (place / name).is_file():
            return place / name
    raise NotTakenOver(f"there is no {name} in {', '.join(map(str, places))}: copy it there")


def _written(text: str, path: str, append: bool) -> str:
    return f"printf %s {shlex.quote(text)} {'>>' if append else '>'} {shlex.quote(path)}"


def _records(task: Task, key: str) -> list[Any]:
    found = task.get(key)
    if not isinstance(found, list):
        raise NotTakenOver(f"a file task without the list {key}")
    return found


def _below(task: Task, name: str) -> str:
    return f"{str(task['dest']).rstrip('/')}/{name}" if task.get("dest") else name


def _expanded(path: str) -> str:
    """Quote a path in which ``~`` and variables stand for what they are where the job runs."""
    home = "$HOME" if path == "~" or path.startswith("~/") else ""
    rest = path[1:] if home else path
    for character in '\\"`':
        rest = rest.replace(character, f"\\{character}")
    return f'"{home}{rest}"'


def _errors_ignored(task: Task, line: str) -> TaskScript:
    return TaskScript([f"{{ {line}; }} || true" if task.get("ignore_errors") else line])


FILE_TASKS: Final[Mapping[str, Callable[[Task, Task, Path], TaskScript]]] = {
    "FileWriteTask": _write,
    "FileDeleteTask": _delete,
    "FileTransferTask": _transfer,
    "CompressDirTask": _compress,
    "DecompressDirTask": _decompress,
    "ArchiveDirTask": _archive,
    "TemplateWriterTask": _template,
}
