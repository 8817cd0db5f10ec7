"""``headrace trigger``."""

from __future__ import annotations

from headrace.cli.help import group
from headrace.cli.options import current, project_options
from headrace.cli.termio.display import display
from headrace.cli.termio.tables import Field, table

_FIELDS = (
    Field("trigger", lambda trigger: trigger["name"]),
    Field("watches", lambda trigger: trigger["directory"]),
    Field("for each new", lambda trigger: f"{trigger['what']} {trigger['pattern']}"),
    Field("starts", lambda trigger: trigger["flow"]),
    Field("title", lambda trigger: trigger["title"]),
)


@group()
def trigger() -> None:
    """Triggers: list them."""


@trigger.command(name="list")
@project_options
def list_() -> None:
    """List the project's triggers: what they watch, and which flow they start."""
    from headrace.triggers import load_triggers

    project = current().project()
    roots = {name: collection.root for name, collection in project.collections.items()}
    names = ("name", "title", "collection", "path", "directory", "what", "pattern", "flow")
    triggers = [
        {name: str(getattr(loaded, name)) for name in names}
        for loaded in load_triggers(project.triggers_dir, roots)
    ]
    display(
        triggers,
        lambda: table(triggers, _FIELDS, "The project has no triggers."),
        ("name", "directory", "what", "pattern", "flow"),
    )
