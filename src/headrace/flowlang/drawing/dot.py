"""Graphviz's DOT text."""

from __future__ import annotations

from headrace._internal.terminal_text import terminal_text
from headrace.flowlang.drawing.colours import KINDS, MARKS
from headrace.flowlang.drawing.graph import CATCH, END, START, Graph
from headrace.flowlang.drawing.run_path import RunPath

_SHAPES = {"choice": "diamond", "wait": "oval", "fail": "octagon"}


def to_dot(graph: Graph, run_path: RunPath | None = None) -> str:
    """Write a flow for Graphviz.

    Args:
        graph: the flow.
        run_path: the path of a run through it.
    """
    lines = ["digraph flow {", '  node [style=filled, fontname="sans-serif", fontsize=11];']
    for node in graph.nodes:
        words = [node.name, node.note, run_path.note(node.name) if run_path else ""]
        label = "\n".join(word for word in words if word)
        look = {"label": label, "shape": _SHAPES.get(node.kind, "box")}
        if node.kind in KINDS:
            look["fillcolor"] = KINDS[node.kind][0]
        if node.name in (START, END):
            look |= {"label": "", "shape": "circle" if node.name == START else "doublecircle"}
            look |= {"width": "0.2", "fillcolor": "black", "xlabel": node.name.strip("()")}
        if run_path is not None:
            mark = run_path.mark(node.name)
            look |= {"color": MARKS[mark][0], "penwidth": "1" if mark == "never" else "3"}
        if node.tooltip:
            look["tooltip"] = node.tooltip
        lines.append(f"  {_quoted(node.name)} [{_list(look)}];")
    for edge in graph.edges:
        look = {"label": edge.label} if edge.label else {}
        if edge.kind == CATCH:
            look["style"] = "dashed"
        if run_path is not None and run_path.edges[edge.source, edge.target]:
            look |= {"color": MARKS["done"][0], "penwidth": "3"}
        lines.append(f"  {_quoted(edge.source)} -> {_quoted(edge.target)} [{_list(look)}];")
    return "\n".join([*lines, "}", ""])


def _list(look: dict[str, str]) -> str:
    return ", ".join(f"{key}={_quoted(value)}" for key, value in look.items())


def _quoted(text: str) -> str:
    plain = terminal_text(text, multiline=True)
    escaped = plain.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
