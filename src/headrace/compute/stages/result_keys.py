"""The key of a stage's result: a hash of everything that its output depends on."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import platform
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .manifest import digest
from .settings import StageSettings

# Settings of a job that decide what its programs see.
_JOB_SETTINGS = ("environment", "container", "binds", "gpus", "constraint")
# The same; left out where they are not set, as in results that were made before there were any.
_LATER_JOB_SETTINGS = ("gres",)
_PACKAGE = "headrace"


def result_key(
    settings: StageSettings,
    inputs: Mapping[str, Any],
    template: Sequence[str],
    placeholders: Mapping[str, object],
    directory: Path,
    project: Path,
) -> str:
    """Return the key under which equal stages of other directories share a result.

    Paths below the stage's directory and below the project count by their names there. A command
    that names one of these two itself may read any file in it: its result is for this one alone.

    Args:
        settings: of the stage.
        inputs: those of its manifest: digests of files by name, and the command.
        template: the words of the command, with placeholders.
        placeholders: their values; ``output`` is where the output is put in the end.
        directory: the stage's directory.
        project: the project's directory.
    """
    text = " ".join(template)
    # A value that is passed to no program decides nothing.
    used = {
        name: _value(value, directory, project)
        for name, value in placeholders.items()
        if name == "output" or f"{{{name}}}" in text
    }
    environment = settings.job.get("environment") or {}
    document = {
        "inputs": inputs,
        "placeholders": used,
        "version": settings.reuse_version,
        "variables": {
            name: environment.get(name, os.environ.get(name)) for name in settings.reuse_variables
        },
        "job": {name: settings.job.get(name) for name in _JOB_SETTINGS}
        | {name: value for name in _LATER_JOB_SETTINGS if (value := settings.job.get(name))},
        "machine": platform.machine(),
        _PACKAGE: _package_digest(),
    }
    packed = json.dumps(document, sort_keys=True, default=str)
    return hashlib.blake2b(packed.encode("utf-8", "surrogateescape"), digest_size=32).hexdigest()


def _value(value: object, directory: Path, project: Path) -> str:
    text = str(value)
    if text in (str(directory), str(project)):
        return text
    for base, name in ((directory, "directory"), (project, "project")):
        # A class of a project's file stands as FILE.py:CLASS.
        text = re.sub(rf"^{re.escape(str(base))}/", f"{name}:", text)
    return text


def _package_digest() -> str:
    """Return the hash of the sources that the project's programs import, where they are here."""
    spec = importlib.util.find_spec(_PACKAGE)
    hashed = hashlib.blake2b(digest_size=16)
    for place in (spec and spec.submodule_search_locations) or ():
        for path in sorted(Path(place).rglob("*.py")):
            hashed.update(f"{path.relative_to(place)} {digest(path)}\n".encode())
    return hashed.hexdigest()
