"""Graph of a flow: its states and the edges between them, as they are drawn."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from headrace.flowlang.choice_operators import COMPARISONS

START: Final = "(start)"
END: Final = "(end)"

NEXT: Final = "next"
RULE: Final = "rule"
CATCH: Final = "catch"

# Kinds of nodes: what a state does decides how it looks. An action's kind is its provider.
_PROVIDERS: Final = (
    ("transfer", ("transfer.actions.globus.org", "globus.org/transfer")),
    ("compute", ("compute.actions.globus.org", "funcx.org", "api.funcx")),
    ("search", ("/search/", "actions.globus.org/search")),
    ("flow", ("flows.globus.org/flows", "flows.automate.globus.org")),
    ("web input", ("weboption", "web-input")),
    ("globus", ("actions.globus.org", "actions.automate.globus.org")),
)
_LONGEST_LABEL: Final = 40


@dataclass(frozen=True, slots=True)
class Node:
    """One state.

    Attributes:
        name: its name; of the marks for start and end the constants of this module.
        kind: ``transfer``, ``compute``, ``search``, ``flow``, ``web input``, ``globus``,
            ``action``, ``choice``, ``wait``, ``pass``, ``fail``, ``start`` or ``end``.
        note: a few words below the name, such as how long it waits.
        tooltip: text that is shown under the pointer.
    """

    name: str
    kind: str
    note: str = ""
    tooltip: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """Edge from a state to another.

    Attributes:
        source: name of the state it leaves.
        target: name of the state it leads to.
        kind: ``next``, ``rule`` or ``catch``.
        label: the rule, or the names of the failures.
    """

    source: str
    target: str
    kind: str = NEXT
    label: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """A flow as it is drawn.

    Attributes:
        nodes: in the definition's order, the start first.
        edges: likewise.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def graph_of(definition: Mapping[str, Any]) -> Graph:
    """Return the graph of a definition that was checked."""
    states = definition["States"]
    nodes = [Node(START, "start", tooltip=str(definition.get("Comment") or ""))]
    nodes += [_node(name, raw) for name, raw in states.items()]
    edges = [Edge(START, definition["StartAt"])]
    for name, raw in states.items():
        edges += _edges(name, raw)
    if any(edge.target == END for edge in edges):
        nodes.append(Node(END, "end"))
    return Graph(tuple(nodes), tuple(edges))


def kind_of(raw: Mapping[str, Any]) -> str:
    """Return the kind of a state, which decides how it is drawn."""
    plain = {"Choice": "choice", "Wait": "wait", "Fail": "fail"}
    type_ = raw["Type"]
    if type_ in plain:
        return plain[type_]
    if type_ in ("CreateWebInput", "AwaitWebInput"):
        return "web input"
    if type_ != "Action":
        return "pass"
    handler = raw.get("Handler")
    url = raw.get("ActionUrl") or (handler.get("Url") if isinstance(handler, dict) else handler)
    for kind, parts in _PROVIDERS:
        if any(part in str(url) for part in parts):
            return kind
    return "action"


def _node(name: str, raw: Mapping[str, Any]) -> Node:
    notes = []
    if raw["Type"] == "Wait":
        notes = [_wait(raw)]
    elif raw["Type"] == "Fail":
        notes = [str(raw.get("Error", ""))]
    elif kind_of(raw) not in ("pass", "choice"):
        url = str(raw.get("ActionUrl", "")).rstrip("/")
        path = url.partition("://")[2].partition("/")[2]
        notes = [f"{kind_of(raw)} {path}" if len(path) < 5 else path]
    tooltips = [str(raw["Comment"])] if raw.get("Comment") else []
    tooltips += [
        f"{key}: {raw[key]}" for key in ("ActionUrl", "WaitTime", "ResultPath") if key in raw
    ]
    return Node(
        name, kind_of(raw), shorten(" ".join(n for n in notes if n), 28), "\n".join(tooltips)
    )


def _edges(name: str, raw: Mapping[str, Any]) -> Iterator[Edge]:
    for rule in raw.get("Choices", []):
        yield Edge(name, rule["Next"], RULE, shorten(rule_text(rule), _LONGEST_LABEL))
    if "Default" in raw:
        yield Edge(name, raw["Default"], RULE, "otherwise")
    if "Next" in raw:
        yield Edge(name, raw["Next"])
    elif raw.get("End") is True:
        yield Edge(name, END)
    for catcher in raw.get("Catch", []):
        label = shorten(", ".join(catcher["ErrorEquals"]), _LONGEST_LABEL)
        yield Edge(name, catcher["Next"], CATCH, label)


def _wait(raw: Mapping[str, Any]) -> str:
    if "Seconds" in raw:
        return f"{raw['Seconds']} s"
    return str(raw.get("SecondsPath") or raw.get("Timestamp") or raw.get("TimestampPath"))


def rule_text(rule: Mapping[str, Any], outer: bool = True) -> str:
    """Write a rule of a Choice in short, such as ``n > 3``."""
    for name, word in (("And", " and "), ("Or", " or ")):
        if name in rule:
            text = word.join(rule_text(part, outer=False) for part in rule[name])
            return text if outer else f"({text})"
    if "Not" in rule:
        return f"not {rule_text(rule['Not'], outer=False)}"
    variable = str(rule["Variable"]).removeprefix("$.")
    operator = next(key for key in rule if key not in ("Variable", "Next", "Comment"))
    operand = rule[operator]
    if operator.startswith("Is"):
        verb = "is" if operand else "is not"
        return f"{variable} {verb} {operator[2:].lower()}"
    right = str(operand) if operator.endswith("Path") else json.dumps(operand, ensure_ascii=False)
    known = COMPARISONS.get(operator.removesuffix("Path"))
    if known is not None:
        return f"{variable} {known.comparison.sign} {right.removeprefix('$.')}"
    return f"{variable} matches {right}"


def shorten(text: str, max_length: int) -> str:
    """Return a text on one line, cut where it is too long."""
    line = " ".join(text.split())
    return line if len(line) <= max_length else line[: max_length - 1] + "…"
