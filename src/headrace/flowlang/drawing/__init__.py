"""A flow as people draw it: Mermaid, Graphviz's DOT, SVG, and HTML that stands alone."""

from headrace.flowlang.drawing.dot import to_dot
from headrace.flowlang.drawing.graph import Edge, Graph, Node, graph_of
from headrace.flowlang.drawing.html import to_html
from headrace.flowlang.drawing.mermaid import to_mermaid
from headrace.flowlang.drawing.run_path import Way, way_of
from headrace.flowlang.drawing.svg import to_svg

__all__ = [
    "Edge",
    "Graph",
    "Node",
    "Way",
    "graph_of",
    "to_dot",
    "to_html",
    "to_mermaid",
    "to_svg",
    "way_of",
]
