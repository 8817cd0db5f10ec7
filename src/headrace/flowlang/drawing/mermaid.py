"""Mermaid flowcharts."""

from __future__ import annotations

from headrace._internal.terminal_text import terminal_text
from headrace.flowlang.drawing.colours import KINDS, MARKS
from headrace.flowlang.drawing.graph import CATCH, END, START, Graph, Node
from headrace.flowlang.drawing.run_path import RunPath


def to_mermaid(graph: Graph, run_path: RunPath | None = None) -> str:
    """Write a flow for Mermaid.

    Args:
        graph: the flow.
        run_path: the path of a run through it.
    """
    ids = {node.name: f"s{number}" for number, node in enumerate(graph.nodes)}
    lines = ["flowchart TD"]
    lines += [f"  {ids[node.name]}{_shape(node, run_path)}" for node in graph.nodes]
    taken = []
    for number, edge in enumerate(graph.edges):
        arrow = "-.->" if edge.kind == CATCH else "-->"
        label = f'|"{_text(edge.label)}"|' if edge.label else ""
        lines.append(f"  {ids[edge.source]} {arrow}{label} {ids[edge.target]}")
        if run_path is not None and run_path.edges[edge.source, edge.target]:
            taken.append(str(number))
    kinds = sorted({node.kind for node in graph.nodes if node.kind in KINDS})
    for kind in kinds:
        members = ",".join(ids[node.name] for node in graph.nodes if node.kind == kind)
        name = kind.replace(" ", "")
        lines.append(f"  classDef {name} fill:{KINDS[kind][0]},stroke:#556,color:#111")
        lines.append(f"  class {members} {name}")
    if run_path is not None:
        for mark, (colour, _) in MARKS.items():
            members = ",".join(ids[n.name] for n in graph.nodes if run_path.mark(n.name) == mark)
            if members:
                width = 1 if mark == "never" else 3
                lines.append(f"  classDef {mark} stroke:{colour},stroke-width:{width}px")
                lines.append(f"  class {members} {mark}")
        if taken:
            style = f"stroke:{MARKS['done'][0]},stroke-width:3px"
            lines.append(f"  linkStyle {','.join(taken)} {style}")
    return "\n".join(lines) + "\n"


def _shape(node: Node, run_path: RunPath | None) -> str:
    if node.name == START:
        return '(("start"))'
    if node.name == END:
        return '((("end")))'
    words = [node.name, node.note, run_path.note(node.name) if run_path else ""]
    text = "<br/>".join(_text(word) for word in words if word)
    left, right = {"choice": ("{", "}"), "wait": ("([", "])"), "fail": ("[/", "/]")}.get(
        node.kind, ("[", "]")
    )
    return f'{left}"{text}"{right}'


def _text(text: str) -> str:
    # Mermaid reads entities in quoted text, and nothing else of ours.
    special = {'"': "#quot;", "<": "#lt;", ">": "#gt;", "#": "#35;", "&": "#amp;", "`": "#96;"}
    plain = terminal_text(text.replace("\n", " "))
    return "".join(special.get(character, character) for character in plain)
