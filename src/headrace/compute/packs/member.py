"""Members of a pack: what each one runs, with which inputs, and what it must leave."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from .errors import MemberError, PackError
from .output_patterns import check_pattern

# Files that a member's record has beside its outputs.
RECORD: Final = "member.json"
STDOUT: Final = "member.out"
STDERR: Final = "member.err"
# What its command writes where it adds members or steps.
NEXT: Final = "next.json"
RECORDS: Final = frozenset({RECORD, STDOUT, STDERR})
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Names of the settings that a member has, and those that a batch job has in their place.
_RESOURCES: Final = {
    "cores": "cpus_per_task",
    "ranks": "ntasks",
    "nodes": "nodes",
    "gpus": "gpus",
    "gres": "gres",
    "walltime": "walltime",
    "memory": "memory",
}
_TEXTS: Final = ("inputs", "outputs", "optional_outputs")
_KNOWN: Final = frozenset(
    {"key", "directory", "command", "argv", "environment", "source", *_TEXTS, *_RESOURCES}
)


@dataclass(frozen=True)
class PackMember:
    """A member of a pack, checked.

    Attributes:
        key: its name, unique in the pack.
        directory: of this attempt, relative to the pack's directory; unique in the pack.
        command: what ``bash`` runs.
        environment: variables for it.
        source: where its inputs are, below the source's path.
        inputs: names below ``source`` that were copied to its working directory; ``name/`` is a
            directory, ``./`` all that is there.
        outputs: patterns of the files that it must leave, relative to its working directory.
        optional_outputs: patterns of those that it may leave.
        job: settings of its batch job.
    """

    key: str
    directory: str
    command: str
    environment: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    inputs: Sequence[str] = ()
    outputs: Sequence[str] = ()
    optional_outputs: Sequence[str] = ()
    job: Mapping[str, Any] = field(default_factory=dict)

    @property
    def cores(self) -> int:
        """Processors that it uses."""
        return int(self.job.get("cpus_per_task", 1)) * int(self.job.get("ntasks", 1))

    @property
    def gpus(self) -> int:
        """GPUs that it uses."""
        return int(self.job.get("gpus", 0))


@dataclass(frozen=True)
class RefusedMember:
    """A member that cannot be run: its document is wrong.

    Attributes:
        key: its name.
        directory: of this attempt.
        error: what is wrong.
    """

    key: str
    directory: str
    error: MemberError


def read_members(
    documents: object, defaults: Mapping[str, Any] | None = None, source_path: str = ""
) -> list[PackMember | RefusedMember]:
    """Read the members of a pack.

    Args:
        documents: the members as the flow's input has them.
        defaults: settings of those that do not name their own: ``cores``, ``ranks``, ``nodes``,
            ``gpus``, ``gres``, ``walltime``, ``memory``.
        source_path: path of the source in its collection, which members' own begin with; "" where
            their inputs are in place.

    Returns:
        The members in order; those that are wrong in themselves as refused, for the others run.

    Raises:
        PackError: there are none, or keys and directories cannot be told apart.
    """
    if not isinstance(documents, list) or not documents:
        raise PackError("members: must be a list of at least one member")
    found: list[PackMember | RefusedMember] = []
    keys: set[str] = set()
    directories: set[str] = set()
    above: set[str] = set()  # those that hold one of the directories
    for number, document in enumerate(documents):
        if not isinstance(document, Mapping):
            raise PackError(f"members[{number}]: must be an object, not {document!r:.60}")
        key, directory = document.get("key"), document.get("directory")
        if not isinstance(key, str) or not key or not key.isprintable():
            raise PackError(f"members[{number}].key: must be a text of one line, not {key!r}")
        if not isinstance(directory, str):
            raise PackError(f"member {key!r}: directory must be a text, not {directory!r}")
        path = _relative(directory, f"member {key!r}: directory")
        if key in keys:
            raise PackError(f"member {key!r} stands in the pack twice")
        parents = _parents(path)
        if path in above or not directories.isdisjoint({path, *parents}):
            raise PackError(f"member {key!r}: directory {directory!r} belongs to another member")
        keys.add(key)
        directories.add(path)
        above |= parents
        try:
            found.append(_read(key, path, document, defaults or {}, source_path))
        except MemberError as error:
            found.append(RefusedMember(key, path, error))
    return found


def _read(
    key: str,
    directory: str,
    document: Mapping[str, Any],
    defaults: Mapping[str, Any],
    source_path: str,
) -> PackMember:
    if unknown := sorted(set(document) - _KNOWN):
        raise _refused(f"{', '.join(unknown)}: unknown; there are {', '.join(sorted(_KNOWN))}")
    texts = {name: _texts(document, name) for name in _TEXTS}
    for name in texts["inputs"]:
        if name == "./":
            continue
        try:
            _relative(name, "inputs")
        except PackError as error:
            raise _refused(str(error)) from None
    for name in (*texts["outputs"], *texts["optional_outputs"]):
        if problem := check_pattern(name):
            raise _refused(f"outputs: {name!r}: {problem}")
        if name in RECORDS:
            raise _refused(f"outputs: {name!r}: the member's own record has this name")
    resources = {
        name: value
        for name in _RESOURCES
        if (value := document.get(name, defaults.get(name))) not in (None, "")
    }
    return PackMember(
        key,
        directory,
        _command(document),
        _environment(document),
        _source(document.get("source", ""), source_path),
        job={_RESOURCES[name]: _resource(name, value) for name, value in resources.items()},
        **texts,
    )


def _source(source: object, source_path: str) -> str:
    """Return where a member's inputs are, below the source."""
    if not isinstance(source, str):
        raise _refused(f"source: must be a text, not {source!r:.60}")
    if ".." in source.split("/"):
        raise _refused(f"source: must be a path without '..', not {source!r}")
    if not source.startswith("/") or not source_path:
        return source
    if not source.startswith(source_path):
        raise _refused(f"source: {source!r} is not below {source_path!r}")
    return source.removeprefix(source_path)


def _command(document: Mapping[str, Any]) -> str:
    command, argv = document.get("command"), document.get("argv")
    if (command is None) == (argv is None):
        raise _refused("name one of command and argv")
    if argv is not None:
        if not isinstance(argv, list) or not argv or not all(isinstance(w, str) for w in argv):
            raise _refused(f"argv: must be a list of texts, not {argv!r:.60}")
        command = shlex.join(argv)
    if not isinstance(command, str) or not command.strip():
        raise _refused(f"command: must be a text, not {command!r:.60}")
    if "\0" in command:
        raise _refused("command: holds a null character")
    return command


def _environment(document: Mapping[str, Any]) -> dict[str, str]:
    found = document.get("environment", {})
    if not isinstance(found, Mapping):
        raise _refused(f"environment: must be an object, not {found!r:.60}")
    for name, value in found.items():
        if not isinstance(name, str) or not _VARIABLE.fullmatch(name):
            raise _refused(f"environment: {name!r} cannot be a variable's name")
        if not isinstance(value, str | int | float) or "\0" in str(value):
            raise _refused(f"environment: {name}: must be a text, not {value!r:.60}")
    return {name: str(value) for name, value in found.items()}


def _texts(document: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = document.get(name, ())
    if not isinstance(found, list | tuple) or not all(isinstance(text, str) for text in found):
        raise _refused(f"{name}: must be a list of texts, not {found!r:.60}")
    # A template whose column is empty leaves an empty text.
    return tuple(text for text in found if text)


def _resource(name: str, value: object) -> object:
    if name == "walltime":
        if isinstance(value, str) and value.strip():
            return value
        raise _refused(f"walltime: write it as HH:MM:SS, not {value!r}")
    if name == "gres":
        if isinstance(value, str):
            return value
        raise _refused(f"gres: write it as gpu:a100:2, not {value!r}")
    if name == "memory":
        # A factor that grows after a failure makes 3000.0 of 1500.
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            return f"{math.ceil(value)}M"
        if isinstance(value, str):
            return value
        raise _refused(f"memory: write it as 4G, or as a number of megabytes, not {value!r}")
    smallest = 0 if name == "gpus" else 1
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < smallest:
        raise _refused(f"{name}: must be an integer of at least {smallest}, not {value!r}")
    return value


def _relative(text: str, name: str) -> str:
    # As `PurePosixPath` would have it, in a tenth of its time.
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if text.startswith("/") or ".." in parts or not parts or "\0" in text or "\n" in text:
        raise PackError(f"{name}: must be a relative path without '..', not {text!r}")
    return "/".join(parts)


def _parents(path: str) -> set[str]:
    """Return the directories above a path."""
    return {path[:place] for place, character in enumerate(path) if character == "/"}


def _refused(message: str) -> MemberError:
    return MemberError("never started", message)
