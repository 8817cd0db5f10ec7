"""``headrace flow new``."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display

if TYPE_CHECKING:
    from headrace.project.flow_creation import NewFlow


@click.command
@click.argument("name")
@click.option(
    "--from",
    "source",
    metavar="FLOW|minimal",
    default="minimal",
    show_default=True,
    shell_complete=completion.flows,
    help="The flow of the project that is copied, or the smallest that runs.",
)
@click.option(
    "--with",
    "parts",
    type=click.Choice(["function", "trigger"]),
    multiple=True,
    help="Make a compute function or a trigger of the same name too; may be repeated.",
)
@project_options
def new_command(name: str, source: str, parts: tuple[str, ...]) -> None:
    """Create the flow NAME in the project.

    Writes its definition, input schema and flow.toml to flows/NAME; it can be deployed and started
    as it is. No file is overwritten.
    """
    from headrace.project.flow_creation import create_flow

    made = create_flow(current().project(), name, source, parts)
    steps = _next_steps(made, is_copy=source != "minimal")
    display(
        {
            "flow": name,
            "files": [str(file) for file in made.files],
            "watched": str(made.watched) if made.watched else None,
            "next": steps,
        },
        "\n".join(
            [
                f"Made the flow {name}: {', '.join(map(str, made.files))}. Next:",
                *(f"  {step}" for step in steps),
            ]
        ),
    )


def _next_steps(made: NewFlow, *, is_copy: bool) -> list[str]:
    steps = [f"headrace flow check {made.name}", f"headrace deploy {made.name}"]
    if is_copy:
        return [*steps, f"headrace start {made.name} --input FILE --follow"]
    settings = ["name=world"]
    if made.endpoint:
        settings += [
            f'compute.endpoint={{"endpoint": "{made.endpoint}"}}',
            f'compute.function={{"function": "{made.name}"}}',
        ]
    words = " ".join(f"-s {shlex.quote(setting)}" for setting in settings)
    steps.append(f"headrace start {made.name} {words} --follow")
    if made.watched:
        steps.append(f"headrace watch {made.name}   # then copy a file into {made.watched}/")
    return steps
