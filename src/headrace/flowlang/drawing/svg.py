"""Self-contained SVG, light and dark, without any script."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final
from xml.sax import saxutils

from headrace._internal.terminal_text import terminal_text
from headrace.flowlang.drawing.colours import KINDS, MARKS
from headrace.flowlang.drawing.graph import CATCH, END, START, Edge, Graph, Node
from headrace.flowlang.drawing.layout import Box, Layout, Point, Route, Size, layout
from headrace.flowlang.drawing.run_path import RunPath
from headrace.flowlang.drawing.text import LINE_HEIGHT, width, wrap_name

_SMALL: Final = 11.0
# Names are bold, which takes more space than their size says.
_BOLD: Final = 14.5
_LEGEND_LINE: Final = 20.0
PART_CLASS: Final = "flow-drawing"
"""Class of a drawing that is a part of a page."""
_RULE: Final = re.compile(r"([^{}]+)\{([^{}]*)\}")


def escape(text: str) -> str:
    """Escape a text for XML, and remove control characters, which no reader accepts."""
    return saxutils.escape(terminal_text(text, multiline=True))


def to_svg(
    graph: Graph,
    run_path: RunPath | None = None,
    *,
    is_part: bool = False,
    address_of: Callable[[str], str] | None = None,
) -> str:
    """Draw a flow.

    Args:
        graph: the flow.
        run_path: the path of a run through it.
        is_part: whether it becomes a part of a page, whose sheet has :func:`page_style`; by default
            it is a file that needs nothing else.
        address_of: address that a state's box leads to; boxes lead nowhere by default.
    """
    texts = {node.name: _texts(node, run_path) for node in graph.nodes}
    sizes = {node.name: _size(node, texts[node.name]) for node in graph.nodes}
    labels: dict[Edge, Size] = {
        edge: (width(edge.label, _SMALL) + 10, LINE_HEIGHT) for edge in graph.edges if edge.label
    }
    plan = layout(graph, sizes, labels)
    legend = _legend(graph, run_path)
    needed = max(plan.width, 230.0)
    height = plan.height + _LEGEND_LINE * len(legend) + 12
    # Links are found by assistive technology only where the drawing is no picture.
    role = "group" if address_of is not None else "img"
    part = f' class="{PART_CLASS}" aria-label="drawing of the flow"' if is_part else ""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {needed:.0f} {height:.0f}" '
        f'width="{needed:.0f}" height="{height:.0f}" role="{role}" font-family="system-ui, '
        f'Helvetica, Arial, sans-serif"{part}>',
        *([] if is_part else [f"<style>{_style()}</style>"]),
        f"<defs>{_arrows()}</defs>",
        f'<rect class="ground" width="{needed:.0f}" height="{height:.0f}"/>',
    ]
    parts += [_route(route, run_path) for route in plan.routes]
    parts += [
        _node(node, plan.boxes[node.name], texts[node.name], run_path, address_of)
        for node in graph.nodes
    ]
    parts += [_label(route) for route in plan.routes if route.edge.label]
    parts += _drawn_legend(legend, plan)
    return "\n".join([*parts, "</svg>", ""])


def _texts(node: Node, run_path: RunPath | None) -> list[tuple[str, str]]:
    if node.name in (START, END):
        return []
    lines = [("name", line) for line in wrap_name(node.name)]
    if node.note:
        lines.append(("note", node.note))
    visits = run_path.note(node.name) if run_path is not None else ""
    if visits:
        lines.append(("told", visits))
    return lines


def _size(node: Node, lines: list[tuple[str, str]]) -> Size:
    if not lines:
        return 18.0, 18.0
    wide = max(width(text, _BOLD if kind == "name" else _SMALL) for kind, text in lines)
    high = LINE_HEIGHT * len(lines)
    if node.kind == "choice":
        return 1.35 * wide + 50, high + 34
    return wide + (40 if node.kind in ("wait", "fail") else 24), high + 14


def page_style() -> str:
    """Return the rules that a page's sheet needs for drawings that are parts of it."""
    light, dark = (
        "\n".join(
            ",".join(f"svg.{PART_CLASS} {each}" for each in selectors.split(","))
            + f"{{{declarations}}}"
            for selectors, declarations in _RULE.findall(_rules(number))
        )
        for number in (0, 1)
    )
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n"


def _node(
    node: Node,
    box: Box,
    lines: list[tuple[str, str]],
    run_path: RunPath | None,
    address_of: Callable[[str], str] | None,
) -> str:
    mark = run_path.mark(node.name) if run_path is not None else ""
    tip = f"<title>{escape(node.tooltip)}</title>" if node.tooltip else ""
    kind = node.kind.replace(" ", "-")
    shape = _shape(node, box)
    top = box.y - LINE_HEIGHT * (len(lines) - 1) / 2
    written = "".join(
        f'<text class="{look}" x="{box.x:.1f}" y="{top + LINE_HEIGHT * n:.1f}" dy=".35em">'
        f"{escape(line)}</text>"
        for n, (look, line) in enumerate(lines)
    )
    name = saxutils.quoteattr(terminal_text(node.name))
    drawn = f'<g class="node {kind} {mark}" data-state={name}>{tip}{shape}{written}</g>'
    if address_of is None or node.name in (START, END):
        return drawn
    return f"<a href={saxutils.quoteattr(address_of(node.name))} aria-label={name}>{drawn}</a>"


def _shape(node: Node, box: Box) -> str:
    x, y, w, h = box.x, box.y, box.width / 2, box.height / 2
    if node.name == START:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="8"/>'
    if node.name == END:
        inner = f'<circle class="inner" cx="{x:.1f}" cy="{y:.1f}" r="5"/>'
        return f'<circle class="ring" cx="{x:.1f}" cy="{y:.1f}" r="8.5"/>{inner}'
    if node.kind == "choice":
        return _polygon([(x, y - h), (x + w, y), (x, y + h), (x - w, y)])
    if node.kind == "fail":
        c = 10.0
        corners = [(x - w + c, y - h), (x + w - c, y - h), (x + w, y - h + c), (x + w, y + h - c)]
        corners += [(x + w - c, y + h), (x - w + c, y + h), (x - w, y + h - c), (x - w, y - h + c)]
        return _polygon(corners)
    radius = h if node.kind == "wait" else 5.0
    return (
        f'<rect x="{x - w:.1f}" y="{y - h:.1f}" width="{2 * w:.1f}" height="{2 * h:.1f}" '
        f'rx="{radius:.1f}"/>'
    )


def _polygon(points: list[Point]) -> str:
    return f'<polygon points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>'


def _route(route: Route, run_path: RunPath | None) -> str:
    edge = route.edge
    taken = run_path is not None and run_path.edges[edge.source, edge.target]
    look = " ".join(
        ["edge", edge.kind, *(["taken"] if taken else ["untaken"] if run_path is not None else [])]
    )
    arrow = "arrow-taken" if taken else "arrow"
    times = (
        f"<title>{run_path.edges[edge.source, edge.target]}x</title>" if taken and run_path else ""
    )
    return f'<path class="{look}" marker-end="url(#{arrow})" d="{_path(route)}">{times}</path>'


def _path(route: Route) -> str:
    (x, y), *rest = route.points
    text = f"M{x:.1f},{y:.1f}"
    if route.edge.source == route.edge.target:
        corners = " ".join(f"{px:.1f},{py:.1f}" for px, py in rest)
        return f"{text} C{corners}"
    for index, (px, py) in enumerate(rest):
        if index % 2 == 0:
            middle = (y + py) / 2
            text += f" C{x:.1f},{middle:.1f} {px:.1f},{middle:.1f} {px:.1f},{py:.1f}"
        else:
            text += f" L{px:.1f},{py:.1f}"
        x, y = px, py
    return text


def _label(route: Route) -> str:
    x, y = route.label
    kind = "catch" if route.edge.kind == CATCH else "rule"
    label = escape(route.edge.label)
    return f'<text class="label {kind}" x="{x:.1f}" y="{y:.1f}" dy=".35em">{label}</text>'


def _legend(graph: Graph, run_path: RunPath | None) -> list[tuple[str, str]]:
    kinds = {node.kind for node in graph.nodes}
    legend = [(kind, look[2]) for kind, look in KINDS.items() if kind in kinds]
    if any(edge.kind == CATCH for edge in graph.edges):
        legend.append(("dashed", "when it fails"))
    if run_path is not None:
        marks = {run_path.mark(node.name) for node in graph.nodes}
        words = {
            "done": "passed",
            "here": "is here",
            "failed": "failed here",
            "never": "not reached",
        }
        legend += [(f"mark {mark}", word) for mark, word in words.items() if mark in marks]
    return legend


def _drawn_legend(legend: list[tuple[str, str]], plan: Layout) -> list[str]:
    parts = []
    for number, (kind, word) in enumerate(legend):
        y = plan.height + _LEGEND_LINE * number + 6
        if kind == "dashed":
            sign = f'<path class="edge catch" d="M14,{y:.1f} L36,{y:.1f}"/>'
        else:
            look = kind if kind.startswith("mark ") else kind.replace(" ", "-")
            box = f'<rect x="14" y="{y - 7:.1f}" width="22" height="14" rx="3"/>'
            sign = f'<g class="node {look}">{box}</g>'
        parts.append(f'{sign}<text class="legend" x="44" y="{y:.1f}" dy=".35em">{word}</text>')
    return parts


def _arrows() -> str:
    head = '<path d="M0,0 L9,4 L0,8 z"/></marker>'
    return "".join(
        f'<marker id="{name}" viewBox="0 0 9 8" refX="8.5" refY="4" markerWidth="9" '
        f'markerHeight="8" markerUnits="userSpaceOnUse" orient="auto" class="{name}">{head}'
        for name in ("arrow", "arrow-taken")
    )


def _style() -> str:
    return _rules(0) + f"@media (prefers-color-scheme: dark) {{{_rules(1)}}}"


def _rules(dark: int) -> str:
    ground, ink, line, dim = (
        ("#ffffff", "#14181d", "#4b5563", "#5b6570"),
        ("#14181d", "#eef1f4", "#aab4c0", "#9aa5b1"),
    )[dark]
    rules = [
        f".ground{{fill:{ground}}}",
        f"text{{fill:{ink};text-anchor:middle}}",
        "text.name{font-size:13px;font-weight:600}",
        f"text.note,text.told{{font-size:11px;fill:{dim}}}",
        "text.told{font-weight:600}",
        f"text.label{{font-size:11px;paint-order:stroke;stroke:{ground};stroke-width:4px}}",
        f"text.label.catch{{font-style:italic;fill:{dim}}}",
        "text.legend{font-size:12px;text-anchor:start}",
        f".node>*:not(text){{stroke:{line};stroke-width:1.2}}",
        f".node.start>circle,.node.end>.inner{{fill:{line};stroke:none}}",
        ".node.end>.ring,.node.mark>rect{fill:none}",
        f".edge{{fill:none;stroke:{line};stroke-width:1.3}}",
        ".edge.catch{stroke-dasharray:5 4}",
        f".arrow{{fill:{line}}}.arrow-taken{{fill:{MARKS['done'][dark]}}}",
        f".edge.taken{{stroke:{MARKS['done'][dark]};stroke-width:2.6}}.edge.untaken{{opacity:.45}}",
    ]
    for kind, look in KINDS.items():
        rules.append(f".node.{kind.replace(' ', '-')}>*:not(text){{fill:{look[dark]}}}")
    for mark, lines in MARKS.items():
        thick = "1" if mark == "never" else "3"
        rules.append(f".node.{mark}>*:not(text){{stroke:{lines[dark]};stroke-width:{thick}}}")
    rules.append(".node.never{opacity:.55}")
    return "".join(rules)
