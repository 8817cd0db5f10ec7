"""Web inputs: the questions that runs ask people, each answered once."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from headrace.config import ProjectError
from headrace.runs.web_inputs import (
    answer_web_input,
    find_web_input,
    given_answer,
    list_web_inputs,
)
from headrace.web.page import Action, Done, Page, Part, repeatable
from headrace.web.views.texts import multiline, shortened

if TYPE_CHECKING:
    from headrace.hosted import Services
    from headrace.web.view import View
from headrace.web.views.names_by_id import names_by_id

# Questions, rows of their tables and options that a page shows.
_MOST: Final = 50
_MOST_ROWS: Final = 100
_TEXT: Final = 20_000
_SECONDS: Final = 1.0


def _load_questions(view: View) -> Mapping[str, Any]:
    found, count = view.site.shared.get(
        "web inputs",
        _SECONDS,
        lambda before: view.ask(lambda services: _read_questions(services, _names(view))),
    )
    return {"questions": found, "left": count - len(found)}


def _names(view: View) -> dict[str, str]:
    """Return the names of the project's collections by their ids."""
    found = names_by_id(view.project, view.target)
    return {id_: name for id_, (kind, name) in found.items() if kind == "collection"}


def _read_questions(
    services: Services, names: Mapping[str, str]
) -> tuple[list[dict[str, Any]], int]:
    summaries = list_web_inputs(services)
    found = []
    for each in islice(summaries, _MOST):
        document = find_web_input(services, str(each["id"]))
        if document.get("status") == "open":  # it may have been answered meanwhile
            found.append(_question(document, names))
    return found, max(len(found), len(summaries))


def _with_names(text: str, names: Mapping[str, str]) -> str:
    for collection_id, name in names.items():
        text = text.replace(collection_id, name)
    return text


def _question(document: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    context, run = document["context"], document.get("run") or {}
    rows = context.get("rows") or []
    respondents = (document.get("roles") or {}).get("respondent_urns") or []
    return {
        "id": str(document["id"]),
        "title": shortened(context.get("title"), 300),
        "text": multiline(str(context.get("text") or "")[:_TEXT]),
        "left": max(0, len(str(context.get("text") or "")) - _TEXT),
        "rows": [
            (
                shortened(row.get("field"), 200),
                shortened(_with_names(str(row.get("value")), names), 1_000),
            )
            for row in rows[:_MOST_ROWS]
        ],
        "more_rows": max(0, len(rows) - _MOST_ROWS),
        "options": [
            {
                "id": str(option["option_id"]),
                "label": shortened(option.get("label"), 200),
                "description": shortened(option.get("description"), 500),
            }
            for option in document.get("options") or []
        ],
        "run_id": str(run.get("id") or ""),
        "run_label": shortened(run.get("label") or run.get("id"), 120),
        "flow": shortened((document.get("flow") or {}).get("title"), 120),
        "since": document.get("created_timestamp"),
        "respondents": [shortened(each, 120) for each in respondents[:20]],
        "may_answer": "respondent" in (document.get("user_roles") or ["respondent"]),
    }


def _answer(view: View) -> Done:
    name, option = view.form.get("question", ""), view.form.get("option", "")

    def answer(services: Services) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        document = find_web_input(services, name)
        if document.get("status") != "open":
            given = given_answer(services, document)
            if given is None:
                raise ProjectError(
                    "this question is closed: it was answered, or nobody waits for it"
                )
            # The answer may be this one, by a process that was killed before it could say so.
            if given["option_id"] != option:
                raise ProjectError(
                    f"this question was answered before: {shortened(given['label'], 100)}"
                )
            return document, given
        return document, answer_web_input(services, document, option)

    document, chosen = view.ask(answer)
    title = shortened(document["context"].get("title"), 100)
    return Done(f"{title}: the answer is {shortened(chosen.get('label'), 100)}", subject=name)


PAGE: Final = Page(
    name="web_inputs",
    path="/web-inputs",
    title="Web inputs",
    template="web_inputs/page.html",
    parts=(
        Part(
            "questions",
            "web_inputs/questions.html",
            _load_questions,
            topics=("web_inputs",),
            every=10.0,
        ),
    ),
    actions=(Action("answer", _answer, repeats=repeatable),),
    menu="Web inputs",
    rank=40,
)
