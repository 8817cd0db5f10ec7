"""Layered layout of a graph, from the start down.

The method of Sugiyama, Tagawa and Toda (1981): back edges are reversed, each state has the layer of
the longest path to it, the states of a layer are ordered by the barycentre of their neighbours, and
positions are the least squares solution without overlaps. Between two layers of states lies one for
labels, so that no text is drawn over anything else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from headrace.flowlang.drawing.graph import Edge, Graph

SPACE: Final = 26.0
_LAYER_GAP: Final = 20.0
_ORDER_SWEEPS: Final = 12
_PLACE_SWEEPS: Final = 24
Point = tuple[float, float]
Size = tuple[float, float]


@dataclass
class Box:
    """Rectangle that is placed: a state, or the point where an edge crosses a layer.

    Attributes:
        width: pixels.
        height: pixels.
        layer: its layer.
        x: of its middle.
        y: of its middle.
        state: name of the state; empty for an edge.
        is_diamond: whether it is drawn as a diamond.
    """

    width: float
    height: float
    layer: int
    state: str = ""
    is_diamond: bool = False
    x: float = 0.0
    y: float = 0.0
    above: list[int] = field(default_factory=list)
    below: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Route:
    """Line of an edge.

    Attributes:
        edge: the edge.
        points: from its source to its target; each pair goes straight down through a layer, and
            bends between two pairs.
        label: where the middle of its label is.
    """

    edge: Edge
    points: tuple[Point, ...]
    label: Point


@dataclass(frozen=True)
class Layout:
    """Positions of all boxes and edges; coordinates are pixels, down and to the right.

    Attributes:
        boxes: states by name.
        routes: the edges.
        width: of the drawing.
        height: of the drawing.
    """

    boxes: Mapping[str, Box]
    routes: tuple[Route, ...]
    width: float
    height: float


def layout(graph: Graph, sizes: Mapping[str, Size], labels: Mapping[Edge, Size]) -> Layout:
    """Compute the layout of a graph.

    Args:
        graph: the flow.
        sizes: width and height of each state.
        labels: those of each label that there is.
    """
    names = [node.name for node in graph.nodes]
    reversed_edges = _back_edges(names, graph.edges)
    layers = _layers(names, graph.edges, reversed_edges)
    boxes: list[Box] = []
    number = {}
    for node in graph.nodes:
        number[node.name] = len(boxes)
        pointed = node.kind == "choice"
        boxes.append(Box(*sizes[node.name], layers[node.name], node.name, pointed))
    chains = []
    for index, edge in enumerate(graph.edges):
        ends = (edge.target, edge.source) if index in reversed_edges else (edge.source, edge.target)
        chains.append(_chain(boxes, number[ends[0]], number[ends[1]], labels.get(edge, (8.0, 0.0))))
    rows = _order_layers(boxes)
    _place(boxes, rows)
    _set_heights(boxes, rows)
    left = min(box.x - box.width / 2 for box in boxes)
    for box in boxes:
        box.x += SPACE - left
    routes = tuple(
        _route(boxes, edge, chain, index in reversed_edges)
        for index, (edge, chain) in enumerate(zip(graph.edges, chains, strict=True))
    )
    routes = _spread_ends(boxes, number, routes, reversed_edges)
    right = max(box.x + box.width / 2 for box in boxes) + SPACE
    if any(edge.source == edge.target for edge in graph.edges):
        right += 2 * SPACE
    bottom = max(box.y + box.height / 2 for box in boxes) + SPACE
    return Layout({box.state: box for box in boxes if box.state}, routes, right, bottom)


def _back_edges(names: Sequence[str], edges: Sequence[Edge]) -> set[int]:
    outgoing = defaultdict(list)
    for index, edge in enumerate(edges):
        outgoing[edge.source].append((index, edge.target))
    back: set[int] = set()
    state: dict[str, int] = {}  # 1 on the stack, 2 done
    for name in names:
        if name in state:
            continue
        state[name] = 1
        stack = [(name, iter(outgoing[name]))]
        while stack:
            here, following = stack[-1]
            step = next(following, None)
            if step is None:
                state[here] = 2
                stack.pop()
            elif state.get(step[1]) == 1:
                back.add(step[0])
            elif step[1] not in state:
                state[step[1]] = 1
                stack.append((step[1], iter(outgoing[step[1]])))
    return back


def _layers(
    names: Sequence[str], edges: Sequence[Edge], reversed_edges: set[int]
) -> dict[str, int]:
    ahead: dict[str, list[str]] = defaultdict(list)
    waiting: dict[str, int] = dict.fromkeys(names, 0)
    for index, edge in enumerate(edges):
        source, target = edge.source, edge.target
        if index in reversed_edges:
            source, target = target, source
        if source != target:
            ahead[source].append(target)
            waiting[target] += 1
    layer = dict.fromkeys(names, 0)
    ready = [name for name in names if not waiting[name]]
    while ready:
        name = ready.pop()
        for target in ahead[name]:
            layer[target] = max(layer[target], layer[name] + 2)
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    return layer


def _chain(boxes: list[Box], first: int, last: int, label: Size) -> list[int]:
    if first == last:
        return [first, last]
    chain = [first]
    for layer in range(boxes[first].layer + 1, boxes[last].layer):
        size = label if layer == boxes[first].layer + 1 else (8.0, 0.0)
        boxes.append(Box(*size, layer))
        chain.append(len(boxes) - 1)
    chain.append(last)
    for upper, lower in pairwise(chain):
        boxes[upper].below.append(lower)
        boxes[lower].above.append(upper)
    return chain


def _order_layers(boxes: list[Box]) -> list[list[int]]:
    rows: list[list[int]] = [[] for _ in range(max(box.layer for box in boxes) + 1)]
    for index, box in enumerate(boxes):
        rows[box.layer].append(index)
    best, fewest = [row[:] for row in rows], _crossings(boxes, rows)
    for sweep in range(_ORDER_SWEEPS):
        down = sweep % 2 == 0
        for row in rows if down else reversed(rows):
            position = {i: n for other in rows for n, i in enumerate(other)}
            keys = {}
            for n, index in enumerate(row):
                near = boxes[index].above if down else boxes[index].below
                keys[index] = sum(position[i] for i in near) / len(near) if near else n
            row.sort(key=lambda index: keys[index])
        count = _crossings(boxes, rows)
        if count < fewest:
            best, fewest = [row[:] for row in rows], count
        if not fewest:
            break
    return best


def _crossings(boxes: list[Box], rows: list[list[int]]) -> int:
    count = 0
    for row, following in pairwise(rows):
        place = {index: n for n, index in enumerate(following)}
        ends = [
            place[i] for index in row for i in sorted(boxes[index].below, key=place.__getitem__)
        ]
        seen: list[int] = []
        for end in ends:
            count += sum(other > end for other in seen)
            seen.append(end)
    return count


def _place(boxes: list[Box], rows: list[list[int]]) -> None:
    for row in rows:
        x = 0.0
        for index in row:
            boxes[index].x = x + boxes[index].width / 2
            x += boxes[index].width + SPACE
    for sweep in range(_PLACE_SWEEPS):
        down = sweep % 2 == 0
        for row in rows if down else reversed(rows):
            wanted = []
            for index in row:
                box = boxes[index]
                near = (box.above if down else box.below) or box.above or box.below
                wanted.append(sum(boxes[i].x for i in near) / len(near) if near else box.x)
            for index, x in zip(row, _separated(boxes, row, wanted), strict=True):
                boxes[index].x = x


def _separated(boxes: list[Box], row: list[int], wanted: list[float]) -> list[float]:
    """Return the positions nearest to those wanted without overlaps."""
    offsets = [0.0]
    for left, right in pairwise(row):
        gap = SPACE if boxes[left].state or boxes[right].state else SPACE / 2
        offsets.append(offsets[-1] + (boxes[left].width + boxes[right].width) / 2 + gap)
    # Pool adjacent violators: what would overlap moves as one block.
    blocks: list[tuple[float, int]] = []
    for target, offset in zip(wanted, offsets, strict=True):
        total, count = target - offset, 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / count:
            more, number = blocks.pop()
            total, count = total + more, count + number
        blocks.append((total, count))
    middles = [total / count for total, count in blocks for _ in range(count)]
    return [middle + offset for middle, offset in zip(middles, offsets, strict=True)]


def _set_heights(boxes: list[Box], rows: list[list[int]]) -> None:
    y = SPACE
    for row in rows:
        height = max(boxes[index].height for index in row)
        for index in row:
            boxes[index].y = y + height / 2
            if not boxes[index].state:
                boxes[index].height = height
        y += height + _LAYER_GAP


def _route(boxes: list[Box], edge: Edge, chain: list[int], is_reversed: bool) -> Route:
    first, *between, last = (boxes[i] for i in chain)
    if edge.source == edge.target:
        side, y = first.x + first.width / 2, first.y
        loop = ((side, y - 8), (side + 30, y - 8), (side + 30, y + 8), (side, y + 8))
        return Route(edge, loop, (side + 34, y))
    points = [(first.x, first.y + first.height / 2)]
    for box in between:
        points += [(box.x, box.y - box.height / 2), (box.x, box.y + box.height / 2)]
    points.append((last.x, last.y - last.height / 2))
    label = (between[0].x, between[0].y)
    return Route(edge, tuple(reversed(points)) if is_reversed else tuple(points), label)


def _spread_ends(
    boxes: list[Box],
    number: Mapping[str, int],
    routes: tuple[Route, ...],
    reversed_edges: set[int],
) -> tuple[Route, ...]:
    """Separate the ends of edges that meet at one side of a state."""
    ends: dict[tuple[str, bool], list[tuple[float, int, int]]] = defaultdict(list)
    for index, route in enumerate(routes):
        if route.edge.source == route.edge.target:
            continue
        count = len(route.points)
        for at, near in ((0, 1), (count - 1, count - 2)):
            name = route.edge.source if at == 0 else route.edge.target
            lower = (at == 0) != (index in reversed_edges)
            ends[name, lower].append((route.points[near][0], index, at))
    moved = [list(route.points) for route in routes]
    for (name, _), meeting in ends.items():
        box = boxes[number[name]]
        step = min(18.0, 0.5 * box.width / max(1, len(meeting)))
        for place, (_, index, at) in enumerate(sorted(meeting)):
            x, y = moved[index][at]
            aside = (place - (len(meeting) - 1) / 2) * step
            if box.is_diamond:
                # The side of a diamond falls away from its point.
                y += (box.y - y) * abs(aside) / (box.width / 2)
            moved[index][at] = (x + aside, y)
    return tuple(
        Route(route.edge, tuple(points), route.label)
        for route, points in zip(routes, moved, strict=True)
    )
