"""``headrace web-input``."""

from __future__ import annotations

import sys

import click

from headrace.cli import completing
from headrace.cli.help import group
from headrace.cli.options import current, project_options
from headrace.cli.termio.display import display
from headrace.cli.termio.prompts import choose
from headrace.cli.termio.runs import moment
from headrace.cli.termio.tables import Field, record, table

_LIST_FIELDS = (
    Field("web input", lambda item: item["id"]),
    Field("status", lambda item: item["status"]),
    Field("asked", moment("created_timestamp")),
    Field("title", lambda item: item.get("title")),
    Field("run", lambda item: (item.get("run") or {}).get("id")),
)
_OPTION_FIELDS = (
    Field("label", lambda option: option["label"]),
    Field("description", lambda option: option.get("description")),
    Field("option id", lambda option: option["option_id"]),
)
_COLUMNS = ("id", "status", "created_timestamp", "title")


@group(name="web-input")
def web_input() -> None:
    """Questions of runs: list, look, answer.

    ID is a web input's id, the beginning of one, or `last`.
    """


@web_input.command(name="list")
@click.option("--all", "all_", is_flag=True, help="Those that are closed, too.")
@click.option(
    "--flow",
    shell_complete=completing.flows,
    help="Only those of runs of this flow of the project.",
)
@click.option("--run", metavar="ID", shell_complete=completing.runs, help="Only those of this run.")
@project_options
def list_(all_: bool, flow: str | None, run: str | None) -> None:
    """List the questions that wait for an answer, the newest first."""
    from headrace.runs.launch import deployed_flow
    from headrace.runs.query import find_run
    from headrace.runs.web_inputs import list_web_inputs

    session = current()
    project = session.project()
    services = session.services(project)
    found = list_web_inputs(
        services,
        closed_too=all_,
        flow_id=deployed_flow(project, session.place, flow).id if flow else None,
        run_id=find_run(services, run) if run else None,
    )
    display(found, lambda: table(found, _LIST_FIELDS, "No run asks anything."), _COLUMNS)


@web_input.command
@click.argument("web_input_id", metavar="ID", shell_complete=completing.web_inputs)
@project_options
def show(web_input_id: str) -> None:
    """Show a question and its options."""
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


@web_input.command
@click.argument("web_input_id", metavar="ID", shell_complete=completing.web_inputs)
@click.argument("option", metavar="[OPTION]", required=False)
@project_options
def respond(web_input_id: str, option: str | None) -> None:
    """Answer a question with the label, the value or the id of one of its OPTIONs.

    On a terminal the options are shown when none is given.
    """
    from headrace.runs.web_inputs import answer, find_web_input, question_lines

    session = current()
    services = session.services(session.project(), start=True)
    document = find_web_input(services, web_input_id)
    if option is None:
        labels = [each["label"] for each in document["options"]]
        if not sys.stdin.isatty():
            raise click.UsageError(f"give one of the options: {', '.join(labels)}")
        option = choose(question_lines(document), labels)
    chosen = answer(services, document, option)
    display(
        {"id": document["id"], "option_id": chosen["option_id"], "label": chosen["label"]},
        lambda: f"{document['id']}: answered with {chosen['label']}",
        ("id", "option_id", "label"),
    )
