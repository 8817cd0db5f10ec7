"""``headrace web-input respond``."""

from __future__ import annotations

import sys

import click

from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display
from headrace.cli.termio.prompts import choose


@click.command
@click.argument("web_input_id", metavar="ID", shell_complete=completion.web_inputs)
@click.argument("option", metavar="[OPTION]", required=False)
@project_options
def respond_command(web_input_id: str, option: str | None) -> None:
    """Answer a web input with the label, the value or the id of an OPTION.

    Without an OPTION, a terminal shows the options and asks for one.
    """
    from headrace.runs.web_inputs import answer_web_input, find_web_input, question_lines

    session = current()
    services = session.services(session.project(), start=True)
    document = find_web_input(services, web_input_id)
    if option is None:
        labels = [each["label"] for each in document["options"]]
        if not sys.stdin.isatty():
            raise click.UsageError(f"give one of the options: {', '.join(labels)}")
        option = choose(question_lines(document), labels)
    chosen = answer_web_input(services, document, option)
    display(
        {"id": document["id"], "option_id": chosen["option_id"], "label": chosen["label"]},
        lambda: f"{document['id']}: answered with {chosen['label']}",
        ("id", "option_id", "label"),
    )
