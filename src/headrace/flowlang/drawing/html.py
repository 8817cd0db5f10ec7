"""HTML page with the drawing, which is moved with the pointer and zoomed with the wheel."""

from __future__ import annotations

from headrace.flowlang.drawing.graph import Graph
from headrace.flowlang.drawing.run_path import RunPath
from headrace.flowlang.drawing.svg import escape, to_svg

_STYLE = """
html,body{margin:0;height:100%;overflow:hidden;color-scheme:light dark}
body{font:14px system-ui,sans-serif}
header{position:fixed;left:12px;top:8px;z-index:1;font-weight:600}
svg{position:absolute;inset:0;width:100%;height:100%;cursor:grab;touch-action:none}
"""
_SCRIPT = """
const svg = document.querySelector("svg");
const box = svg.viewBox.baseVal;
let from = null;
svg.addEventListener("wheel", event => {
  event.preventDefault();
  const by = Math.exp(event.deltaY / 500), size = svg.getBoundingClientRect();
  const x = box.x + box.width * (event.clientX - size.left) / size.width;
  const y = box.y + box.height * (event.clientY - size.top) / size.height;
  box.x = x + (box.x - x) * by; box.y = y + (box.y - y) * by;
  box.width *= by; box.height *= by;
}, {passive: false});
svg.addEventListener("pointerdown", event => {
  from = {x: event.clientX, y: event.clientY};
  svg.setPointerCapture(event.pointerId);
});
svg.addEventListener("pointerup", () => { from = null; });
svg.addEventListener("pointermove", event => {
  if (!from) return;
  const size = svg.getBoundingClientRect();
  const scale = Math.max(box.width / size.width, box.height / size.height);
  box.x -= (event.clientX - from.x) * scale; box.y -= (event.clientY - from.y) * scale;
  from = {x: event.clientX, y: event.clientY};
});
"""


def to_html(graph: Graph, title: str, run_path: RunPath | None = None) -> str:
    """Write a self-contained page.

    Args:
        graph: the flow.
        title: the page's title.
        run_path: the path of a run through it.
    """
    name = escape(title)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{name}</title><style>{_STYLE}</style></head>\n<body><header>{name}</header>\n"
        f"{to_svg(graph, run_path)}<script>{_SCRIPT}</script></body></html>\n"
    )
