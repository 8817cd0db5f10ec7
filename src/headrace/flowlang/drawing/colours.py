"""Colours of the kinds of states, each with a word, for colour is never the only sign.

The hues are Okabe and Ito's, which people who see fewer colours distinguish.
"""

from __future__ import annotations

from typing import Final

# kind: (fill on light, fill on dark, word of the legend)
KINDS: Final = {
    "transfer": ("#cfe8f7", "#0b4a6f", "Transfer"),
    "compute": ("#fde3c0", "#7a4a00", "Compute"),
    "search": ("#d6f0e6", "#00563f", "Search"),
    "globus": ("#e3e8ee", "#3b4a5a", "other Globus actions"),
    "flow": ("#f6d9e8", "#6d2c50", "another flow"),
    "web input": ("#fbf7c4", "#5f5b00", "asks a person"),
    "action": ("#f7d5c7", "#7a2f0b", "other providers"),
    "choice": ("#ffffff", "#20262d", "decides"),
    "wait": ("#eeeaf6", "#3d3358", "waits"),
    "pass": ("#f5f5f5", "#2b323a", "computes"),
    "fail": ("#f9d0d0", "#701c1c", "fails"),
}
# mark: (line on light, line on dark)
MARKS: Final = {
    "done": ("#007a55", "#4fd1a1"),
    "here": ("#0072b2", "#6cc0f0"),
    "failed": ("#c0290b", "#ff8a70"),
    "never": ("#b9c0c8", "#59626c"),
}
