"""Files in which the watch of a project keeps its state."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from headrace.config.project_config import TARGETS

if TYPE_CHECKING:
    from headrace.project import Project


def ledger_file(project: Project, target: str) -> Path:
    """Return the file of the ledger of arrivals.

    Args:
        project: the project.
        target: where its runs are started.
    """
    return state_file(project, target, "triggers", "db")


def target_of(path: Path) -> str:
    """Return the target that a file of the watch is of; ``local`` where its name says none.

    Args:
        path: the file, as `state_file` names it.
    """
    found = path.stem.rpartition(".")[2]
    return found if found in TARGETS else "local"


def state_file(project: Project, target: str, name: str, suffix: str) -> Path:
    """Return a file of the watch.

    Args:
        project: the project.
        target: where its runs are started.
        name: what the file holds.
        suffix: its suffix.
    """
    from headrace.facility import state_directory

    return state_directory(project.root) / f"{name}.{target}.{suffix}"
