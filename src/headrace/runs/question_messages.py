"""Notifications of the questions that runs ask (web inputs), with their options as answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from headrace._internal.terminal_text import terminal_text
from headrace.notifications import Action, Notification
from headrace.runs.web_inputs import question_lines

_MOST: Final = 3


def question_message(document: Mapping[str, Any]) -> Notification:
    """Return what people are told of a web input: its question, and three options as answers.

    Args:
        document: the web input.
    """
    web_input_id, options = str(document["id"]), document["options"]
    title, *lines = question_lines(document)
    label = (document.get("run") or {}).get("label")
    text = [*([f"run {label}"] if label else []), *lines]
    if len(options) > _MOST:
        text.append("options: " + ", ".join(str(each["label"]) for each in options))
    return Notification(
        terminal_text(title),
        terminal_text("\n".join(text), multiline=True) or terminal_text(title),
        "warning",
        f"headrace web-input respond {web_input_id}",
        key=f"question/{web_input_id}",
        actions=tuple(
            Action(str(each["label"]), f"answer:{each['option_id']}", web_input_id)
            for each in options[:_MOST]
        ),
    )
