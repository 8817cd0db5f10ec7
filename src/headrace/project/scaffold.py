"""``headrace init``: a new project with the five folders."""

from __future__ import annotations

import shutil
from pathlib import Path

import headrace
from headrace.config.errors import ProjectError
from headrace.config.project_file import CONFIG_FILE

FOLDERS = ("flows", "compute_functions", "endpoint_configs", "job_scripts", "triggers")
DIRECTORIES = ("data/incoming", "data/runs", "data/inversion/iterations", "scratch")
_IGNORED = "# What runs leave behind; the project itself is committed, headrace.lock too.\n" + (
    ".headrace/\n/data/\n/scratch/\n__pycache__/\n"
)


def init_project(directory: Path) -> list[Path]:
    """Make a project in a directory.

    Args:
        directory: is made where it is missing; may hold other files.

    Returns:
        The files that were written, relative to the directory.

    Raises:
        ProjectError: a file that would be written is there already; then nothing is written.
    """
    template = template_directory()
    files = _template_files(template)
    present = [file for file in files if (directory / file).exists()]
    if present:
        more = f" (and {len(present) - 1} more)" if present[1:] else ""
        raise ProjectError(
            f"{directory / present[0]}: is there already{more}: choose an empty directory"
        )
    for file in files:
        target = directory / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(template / file, target)
        shutil.copymode(template / file, target)
    for name in DIRECTORIES:
        (directory / name).mkdir(parents=True, exist_ok=True)
    ignored = directory / ".gitignore"
    if not ignored.exists():
        ignored.write_text(_IGNORED)
        files.append(Path(".gitignore"))
    return files


def template_directory() -> Path:
    """Return the directory that new projects are copied from.

    Raises:
        ProjectError: the installation has none.
    """
    package = Path(headrace.__file__).parent
    for candidate in (package / "_project", package.parents[1]):
        if (candidate / CONFIG_FILE).is_file():
            return candidate
    raise ProjectError(f"{package}: no project template: install headrace again")


def _template_files(template: Path) -> list[Path]:
    found = [template / CONFIG_FILE]
    for folder in FOLDERS:
        found += sorted(path for path in (template / folder).rglob("*") if path.is_file())
    return [
        path.relative_to(template)
        for path in found
        if "__pycache__" not in path.parts and not path.name.endswith((".pyc", "~"))
    ]
