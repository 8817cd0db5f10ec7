"""``headrace flow draw``."""

from __future__ import annotations

from pathlib import Path

import click

from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.notes import note
from headrace.cli.termio.terminal import write


@click.command
@click.argument("what", metavar="FLOW|FILE", shell_complete=completion.flows)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="FILE.svg, FILE.html, FILE.mmd (Mermaid) or FILE.dot (Graphviz); Mermaid by default.",
)
@click.option(
    "--run",
    "run_id",
    metavar="RUN",
    shell_complete=completion.runs,
    help="Colour the states that RUN went through.",
)
@project_options
def draw_command(what: str, output: Path | None, run_id: str | None) -> None:
    """Draw a flow as a state machine.

    Without -o, Mermaid text is written to standard output.
    """
    from headrace.config.text_files import read_json_object
    from headrace.project.flow_drawing import draw_flow, write_drawing

    session = current()
    if "/" in what or what.endswith(".json"):
        name, definition = Path(what).stem, read_json_object(Path(what))
    else:
        source = session.project().flow(what)
        name, definition = source.name, source.definition
    log = None
    if run_id is not None:
        from headrace.runs.query import find_run, run_definition, run_log

        services = session.services(session.project())
        found = find_run(services, run_id)
        log = run_log(services, found)
        definition = run_definition(services, found)
    if output is None:
        write(draw_flow(definition, "mmd", name, log), newline=False)
        return
    write_drawing(output, definition, name, log)
    note(f"{output}: drawn")
