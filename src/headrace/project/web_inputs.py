"""Questions that runs put to people: finding and answering them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from headrace.project.errors import ProjectError
from headrace.project.ids import is_uuid

if TYPE_CHECKING:
    from headrace.hosted import Services


def list_web_inputs(services: Services, *, closed_too: bool = False) -> list[dict[str, Any]]:
    """Returns summaries of web inputs, the newest first.

    Args:
        services: the services of the place where the runs are.
        closed_too: whether those that are closed are wanted as well.
    """
    states = "open,closed" if closed_too else "open"
    pages = services.flows.paginated.list_web_inputs(
        query_params={"filter_states": states, "orderby": "created_timestamp DESC"}
    )
    return list(pages.items())


def find_web_input(services: Services, name: str) -> dict[str, Any]:
    """Returns the document of a web input.

    Args:
        services: the services of the place where its run is.
        name: its id, the beginning of one, or ``last`` for the one that was asked last.

    Raises:
        ProjectError: none, or more than one, is meant.
        GlobusAPIError: there is none of this id.
    """
    if not is_uuid(name):
        known = [item["id"] for item in list_web_inputs(services, closed_too=name != "last")]
        found = known[:1] if name == "last" else [each for each in known if each.startswith(name)]
        if len(found) != 1:
            what = f"{len(found)} web inputs begin with {name!r}" if found else f"none is {name!r}"
            raise ProjectError(f"{what}: see `headrace web-input list`")
        name = found[0]
    document: dict[str, Any] = services.flows.get_web_input(name).data
    return document


def question_lines(document: Mapping[str, Any]) -> list[str]:
    """Returns what a web input asks, a line for the title and for each row."""
    context = document["context"]
    lines = [str(context["title"])]
    if context.get("text"):
        lines.append(str(context["text"]))
    lines += [f"{row['field']}: {row['value']}" for row in context.get("rows") or []]
    return lines


def answer(services: Services, document: Mapping[str, Any], option: str) -> str:
    """Answers a web input and returns the id of the option.

    Args:
        services: the services of the place where its run is.
        document: the web input.
        option: id or label of one of its options.

    Raises:
        ProjectError: it has no such option.
        GlobusAPIError: it is closed, or you may not answer it.
    """
    for each in document["options"]:
        if option in (each["option_id"], each["label"]):
            services.flows.respond_to_web_input(document["id"], each["option_id"])
            return str(each["option_id"])
    labels = ", ".join(each["label"] for each in document["options"])
    raise ProjectError(f"{option!r} is none of the options: {labels}")
