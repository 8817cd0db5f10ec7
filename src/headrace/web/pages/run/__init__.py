"""A run: its drawing with its way, what it waits for, its states, jobs and log, and its actions."""

from __future__ import annotations

from typing import Final

from headrace.web.page import Page, Part
from headrace.web.pages.run.actions import ACTIONS, load_actions
from headrace.web.pages.run.figures import FIGURES_PART
from headrace.web.pages.run.output import OUTPUT_PAGE, OUTPUT_PART
from headrace.web.pages.run.parts import (
    load_chain,
    load_drawing,
    load_log,
    load_now,
    load_page,
    load_state,
    load_states,
    load_waits,
)

_TOPICS: Final = ("run:{run}",)

PAGE: Final = Page(
    name="run",
    path="/runs/{run}",
    title="Run",
    template="run/page.html",
    load=load_page,
    parts=(
        Part("now", "run/now.html", load_now, topics=_TOPICS, every=5.0),
        Part("waits", "run/waits.html", load_waits, topics=_TOPICS, every=5.0),
        Part("actions", "run/actions.html", load_actions, topics=_TOPICS, every=30.0),
        Part("drawing", "run/drawing.html", load_drawing, topics=_TOPICS, every=10.0),
        Part("state", "run/state.html", load_state, topics=_TOPICS),
        Part("states", "run/states.html", load_states, topics=_TOPICS, every=10.0),
        FIGURES_PART,
        OUTPUT_PART,
        Part("chain", "run/chain.html", load_chain, topics=("runs",), every=60.0),
        Part("log", "run/log.html", load_log, topics=_TOPICS, every=10.0),
    ),
    actions=ACTIONS,
)

__all__ = ["OUTPUT_PAGE", "PAGE"]
