"""``headrace init``: a new project with the six folders, of all pipelines or of some."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Collection, Iterable
from pathlib import Path

import headrace
from headrace._internal.near_names import known_names
from headrace.config.errors import ProjectError
from headrace.config.project_file import CONFIG_FILE
from headrace.project.flow_templates import MINIMAL, flow_files
from headrace.project.pipelines import find_pipelines, shared_job_scripts

FOLDERS = (
    "flows",
    "compute_functions",
    "endpoint_configs",
    "job_scripts",
    "triggers",
    "campaigns",
)
_IGNORED = "# What runs leave behind; the project itself is committed, headrace.lock too.\n" + (
    ".headrace/\n/data/\n/scratch/\n__pycache__/\n"
)
_MINIMAL_CONFIG = """\
# The collections and endpoints of this project, by name.
# `id` is used at the hosted Globus services, `root` and `template` on this machine.

[collections.workstation]
root = "data"            # where data are; relative to this file

[endpoints.local]
template = "local"       # a folder of endpoint_configs/; functions run there
"""


def init_project(directory: Path, pipelines: Collection[str] = ()) -> list[Path]:
    """Make a project in a directory.

    Args:
        directory: is made where it is missing; may hold other files.
        pipelines: names of the pipelines that it shall have, or ``minimal``; all that come with
            headrace by default.

    Returns:
        The files that were written, relative to the directory.

    Raises:
        ProjectError: there is no pipeline of a name; or a file that would be written is there
            already. Then nothing is written.
    """
    template = template_directory()
    copied, written = _project_files(template, pipelines)
    files = [*copied, *written]
    present = [file for file in files if (directory / file).exists()]
    if present:
        more = f" (and {len(present) - 1} more)" if present[1:] else ""
        raise ProjectError(
            f"{directory / present[0]}: is there already{more}: choose an empty directory"
        )
    for file in files:
        (directory / file).parent.mkdir(parents=True, exist_ok=True)
    for file in copied:
        shutil.copyfile(template / file, directory / file)
        shutil.copymode(template / file, directory / file)
    for file, text in written.items():
        (directory / file).write_text(text, encoding="utf-8")
    for path in data_directories(directory):
        (directory / path).mkdir(parents=True, exist_ok=True)
    ignored = directory / ".gitignore"
    if not ignored.exists():
        ignored.write_text(_IGNORED)
        files.append(Path(".gitignore"))
    return files


def pipeline_choices() -> list[str]:
    """Return the names of the pipelines that a new project may have."""
    return [*find_pipelines(template_directory()), MINIMAL]


def data_directories(root: Path) -> list[Path]:
    """Return the directories that a project's collections have and its triggers watch.

    Args:
        root: the project's directory.

    Returns:
        Paths relative to it; collections with an absolute root are left out.
    """
    config = tomllib.loads((root / CONFIG_FILE).read_text(encoding="utf-8"))
    roots = {name: Path(one["root"]) for name, one in config["collections"].items()}
    found = set(roots.values())
    for file in (root / "triggers").glob("*.toml"):
        watch = tomllib.loads(file.read_text(encoding="utf-8"))["watch"]
        found.add(roots[watch["collection"]] / watch["path"].strip("/"))
    return sorted(path for path in found if not path.is_absolute())


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


def _project_files(template: Path, names: Collection[str]) -> tuple[list[Path], dict[Path, str]]:
    """Return the files that are copied, and those that are written with their texts."""
    config = Path(CONFIG_FILE)
    if not names:
        folders = [path for folder in FOLDERS for path in (template / folder).rglob("*")]
        return [config, *_relative(template, folders)], {}
    pipelines = find_pipelines(template)
    known = pipeline_choices()
    chosen = {name.replace("-", "_"): name for name in names}
    for name, given in chosen.items():
        if name not in known:
            raise ProjectError(f"no pipeline {given!r} to make; {known_names(given, known)}")
    written = flow_files(MINIMAL) if MINIMAL in chosen else {}
    copied: list[Path] = []
    wanted = set(chosen) - {MINIMAL}
    # Its campaigns would be refused without the flows that they graft.
    wanted |= {graft for name in wanted for graft in pipelines[name].grafts}
    for name in sorted(wanted):
        copied += pipelines[name].files(template)
    if any(path.parts[0] == "job_scripts" for path in copied):
        copied += [Path("job_scripts") / name for name in shared_job_scripts(template)]
    if set(chosen) == {MINIMAL}:
        written[config] = _MINIMAL_CONFIG
        templates = template / "endpoint_configs" / "local"
    else:
        copied.append(config)
        templates = template / "endpoint_configs"
    return [*dict.fromkeys([*_relative(template, templates.rglob("*")), *copied])], written


def _relative(template: Path, paths: Iterable[Path]) -> list[Path]:
    return sorted(
        path.relative_to(template)
        for path in paths
        if path.is_file()
        and "__pycache__" not in path.parts
        and not path.name.endswith((".pyc", "~"))
    )
