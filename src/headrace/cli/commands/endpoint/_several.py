"""Changes of one endpoint, or of several, of which one that fails stops no other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from headrace.cli.commands.endpoint._common import display_change
from headrace.cli.parsing import completion
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display
from headrace.cli.termio.prompts import confirm
from headrace.cli.termio.tables import Field, table

if TYPE_CHECKING:
    from headrace.project import Project

F = TypeVar("F", bound=Callable[..., Any])

# What was done to an endpoint, and details for people.
Change = Callable[[str], tuple[str, str]]
_FAILED: Final = "failed"
_FIELDS: Final = (
    Field("endpoint", key="name"),
    Field("outcome", key="done"),
    Field("what", key="message"),
)
_COLUMNS: Final = ("name", "done", "message")


def names_argument(function: F) -> F:
    """Add ``[ENDPOINT]...``."""
    return click.argument(
        "names", metavar="[ENDPOINT]...", nargs=-1, shell_complete=completion.endpoints
    )(function)


def yes_option(function: F) -> F:
    """Add ``--yes``."""
    return click.option("-y", "--yes", is_flag=True, help="Do not ask for confirmation.")(function)


def created_here(project: Project) -> list[str]:
    """Return the project's endpoints that were created on this machine."""
    from headrace.endpoints.installation import installed_here

    return installed_here(project, current().target)


def hosted_or_created(project: Project) -> list[str]:
    """Return the project's endpoints that the facility hosts, or were created on this machine."""
    from headrace.endpoints.installation import installed_here, is_hosted

    target = current().target
    created = installed_here(project, target)
    return [
        name for name in project.endpoints if name in created or is_hosted(project, name, target)
    ]


def hosted_names(project: Project) -> list[str]:
    """Return the project's endpoints that the facility hosts."""
    from headrace.endpoints.installation import is_hosted

    return [name for name in project.endpoints if is_hosted(project, name, current().target)]


def change_endpoints(
    names: Sequence[str],
    all_names: Callable[[], Sequence[str]],
    change: Change,
    *,
    question: str = "",
    yes: bool = False,
) -> int:
    """Change endpoints, and show what was done; return the exit code, 1 if one failed.

    Args:
        names: the endpoints; none means all.
        all_names: returns all that are meant then.
        change: changes one.
        question: asked before more than one is changed; empty where nobody is asked.
        yes: whether nobody is asked.
    """
    from headrace.errors import HeadraceError
    from headrace.hosted import explain, sdk

    if len(names) == 1:
        display_change(names[0], *change(names[0]))
        return 0
    chosen = [*dict.fromkeys(names)] or [*all_names()]
    if question and not yes and len(chosen) > 1:
        confirm(f"{question} {len(chosen)} endpoints ({', '.join(chosen)})?")
    rows = []
    for name in chosen:
        try:
            done, message = change(name)
        except HeadraceError as error:
            done, message = _FAILED, str(error)
        except sdk().GlobusError as error:
            done, message = _FAILED, str(explain(error))
        rows.append({"name": name, "done": done, "message": message})
    none = "No endpoint of this project is hosted by the facility or was created on this machine."
    display(rows, lambda: table(rows, _FIELDS, none), _COLUMNS)
    return 1 if any(row["done"] == _FAILED for row in rows) else 0
