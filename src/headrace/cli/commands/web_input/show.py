"""``headrace web-input show``."""

from __future__ import annotations

import click

from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display
from headrace.cli.termio.runs import moment
from headrace.cli.termio.tables import Field, record, table

_OPTION_FIELDS = (
    Field("label", lambda option: option["label"]),
    Field("description", lambda option: option.get("description")),
    Field("option id", lambda option: option["option_id"]),
)


@click.command
@click.argument("web_input_id", metavar="ID", shell_complete=completion.web_inputs)
@project_options
def show_command(web_input_id: str) -> None:
    """Show the question and the options of a web input."""
    from headrace.runs.web_inputs import find_web_input, question_lines

    session = current()
    document = find_web_input(session.services(session.project()), web_input_id)
    fields = [
        Field("Question", lambda _: "\n".join(question_lines(document))),
        Field("Status", lambda _: document["status"]),
        Field("Run", lambda _: document["run"]["id"]),
        Field("Asked", lambda _: moment("created_timestamp")(document)),
        Field("Answered", lambda _: moment("closed_timestamp")(document)),
    ]
    display(
        document,
        lambda: "\n\n".join(
            [record(document, fields), table(document["options"], _OPTION_FIELDS, "No options.")]
        ),
        ("id", "status", "created_timestamp"),
    )
