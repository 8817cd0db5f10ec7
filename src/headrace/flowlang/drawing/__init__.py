"""Drawings of a flow: Mermaid, Graphviz's DOT, SVG, and a self-contained HTML page.

The same flow gives the same bytes; names are escaped in every format. ``graph`` has the states and
edges, ``run_path`` those that a run took, ``layout`` their places; ``mermaid``, ``dot``, ``svg``
and ``html`` write a format each, with ``text`` and ``colours``.
"""

from headrace.flowlang.drawing.dot import to_dot
from headrace.flowlang.drawing.graph import Edge, Graph, Node, graph_of
from headrace.flowlang.drawing.html import to_html
from headrace.flowlang.drawing.mermaid import to_mermaid
from headrace.flowlang.drawing.run_path import RunPath, run_path_of
from headrace.flowlang.drawing.svg import page_style, to_svg

__all__ = [
    "Edge",
    "Graph",
    "Node",
    "RunPath",
    "graph_of",
    "page_style",
    "run_path_of",
    "to_dot",
    "to_html",
    "to_mermaid",
    "to_svg",
]
