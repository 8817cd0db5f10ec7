"""Web inputs of runs: find, show and answer them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headrace.config.errors import ProjectError
from headrace.config.ids import is_uuid

if TYPE_CHECKING:
    from headrace.hosted import Services


def list_web_inputs(
    services: Services,
    *,
    include_closed: bool = False,
    flow_id: str | None = None,
    run_id: str | None = None,
) -> list[dict[str, Any]]:
    """Return summaries of web inputs, the newest first.

    Args:
        services: the services of the target where the runs are.
        include_closed: whether those that are closed are wanted as well.
        flow_id: only those of runs of this flow.
        run_id: only those of this run.
    """
    query = {
        "filter_states": "open,closed" if include_closed else "open",
        "orderby": "created_timestamp DESC",
    }
    query |= {"filter_flow_ids": flow_id} if flow_id else {}
    query |= {"filter_run_ids": run_id} if run_id else {}
    return list(services.read_items("/web_inputs", "web_input_summaries", query))


def find_web_input(services: Services, name: str) -> dict[str, Any]:
    """Return the document of a web input.

    Args:
        services: the services of the target where its run is.
        name: its id, the beginning of one, or ``last`` for the one that was asked last.

    Raises:
        ProjectError: none, or more than one, is meant.
        GlobusAPIError: there is none of this id.
    """
    if not is_uuid(name):
        known = [item["id"] for item in list_web_inputs(services, include_closed=name != "last")]
        found = known[:1] if name == "last" else [each for each in known if each.startswith(name)]
        if len(found) != 1:
            what = f"{len(found)} web inputs begin with {name!r}" if found else f"none is {name!r}"
            raise ProjectError(f"{what}: see `headrace web-input list`")
        name = found[0]
    return services.read(f"/web_inputs/{name}")


def question_lines(document: Mapping[str, Any]) -> list[str]:
    """Return what a web input asks, a line for the title and for each row."""
    context = document["context"]
    lines = [str(context["title"])]
    if context.get("text"):
        lines.append(str(context["text"]))
    lines += [f"{row['field']}: {row['value']}" for row in context.get("rows") or []]
    return lines


def answer_web_input(
    services: Services, document: Mapping[str, Any], option: str
) -> Mapping[str, Any]:
    """Answer a web input and return the option that was chosen.

    Args:
        services: the services of the target where its run is.
        document: the web input.
        option: the value of one of its options, as the flow sees it, its label, or its id.

    Raises:
        ProjectError: it has no such option, or more than one.
        GlobusAPIError: it is closed, or you may not answer it.
    """
    chosen = [each for each in document["options"] if option in (each["option_id"], each["label"])]
    if not chosen:
        values = option_values(services, document)
        chosen = [each for each in document["options"] if values.get(each["option_id"]) == option]
    if len(chosen) != 1:
        labels = ", ".join(each["label"] for each in document["options"])
        what = "stands for several" if chosen else "is none"
        raise ProjectError(f"{option!r} {what} of the options: {labels}")
    services.flows.respond_to_web_input(document["id"], chosen[0]["option_id"])
    return dict(chosen[0])


def option_values(services: Services, document: Mapping[str, Any]) -> dict[str, str]:
    """Return what the flow sees for each option, by the option's id.

    The web input does not say; the run's log does, in the entry of the state that asked. Empty
    where the log cannot be seen, or does not show the options.

    Args:
        services: the services of the target where its run is.
        document: the web input.
    """
    return _values_in(_run_log(services, document), document)


def given_answer(services: Services, document: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the option by which a web input was answered.

    The web input does not say; the run's log does, once the run has gone on. None where nobody has
    answered it, or it cannot be seen.

    Args:
        services: the services of the target where its run is.
        document: the web input.
    """
    entries = _run_log(services, document)
    state: str | None = None
    for entry in entries:
        details = _mapping(entry.get("details"))
        code, name = entry.get("code"), details.get("state_name")
        given = details.get("input")
        if code == "AwaitWebInputStarted" and isinstance(given, Mapping):
            state = name if given.get("web_input_id") == document["id"] else state
        elif code == "AwaitWebInputCompleted" and name == state is not None:
            value = _mapping(details.get("output")).get("response")
            values = _values_in(entries, document)
            for option in document["options"]:
                if value is not None and values.get(option["option_id"]) == value:
                    return dict(option)
            return None
    return None


def _run_log(services: Services, document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the log of the run of a web input; empty where it cannot be seen."""
    from headrace.hosted import sdk

    try:
        path = f"/runs/{document['run']['id']}/log"
        return list(services.read_items(path, "entries", {"limit": 100}))
    except (sdk().GlobusAPIError, KeyError):
        return []


def _values_in(entries: Sequence[Mapping[str, Any]], document: Mapping[str, Any]) -> dict[str, str]:
    """Return the values of the options that a log shows, by the options' ids."""
    asked = [
        _mapping(_mapping(entry.get("details")).get("input"))
        for entry in entries
        if entry.get("code") == "CreateWebInputStarted"
    ]
    title, options = document["context"]["title"], document["options"]
    labels = [option["label"] for option in options]
    for body in reversed(asked):
        given = body.get("Options")
        if not isinstance(given, list) or _mapping(body.get("Context")).get("Title") != title:
            continue
        if [_mapping(option).get("Label") for option in given] == labels:
            pairs = zip(options, given, strict=True)
            return {
                shown["option_id"]: str(option["Value"])
                for shown, option in pairs
                if "Value" in option
            }
    return {}


def _mapping(value: Any) -> Mapping[str, Any]:
    """Return an object of a log; an empty one where something else stands in its place."""
    return value if isinstance(value, Mapping) else {}
