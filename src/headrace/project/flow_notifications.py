"""Notifications that a flow has sent after its states: ``[[notifications]]`` of ``flow.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

from headrace._internal.settings import Choice, Key, ListOf, RefusedValue, Text
from headrace.notifications.notification import SEVERITIES, Action, Severity

if TYPE_CHECKING:
    from headrace.flowlang.expressions import Expression

RUN_BUTTONS: Final[Mapping[str, str]] = {
    "cancel": "Cancel",
    "pause": "Pause",
    "stop_after_iteration": "Stop after this",
}
"""Commands to a run that goes on, with what their buttons say."""


class _Expression(Text):
    """An expression of the flow language, or a text with expressions in braces."""

    def __init__(self, *, in_braces: bool = False) -> None:
        super().__init__(empty=False)
        self._in_braces = in_braces

    def parse(self, value: Any) -> str:
        """Return the expression as it was written."""
        from headrace.flowlang.errors import ExpressionError

        text = super().parse(value)
        try:
            _compile(text, in_braces=self._in_braces)
        except ExpressionError as error:
            raise RefusedValue(str(error)) from None
        return text


def _compile(text: str, *, in_braces: bool = False) -> Expression:
    from headrace.flowlang.expressions import compile_expression  # for flows that tell something

    quotes = "'''" if '"' in text else '"""'
    return compile_expression(f"f{quotes}{text}{quotes}" if in_braces else text)


@dataclass(frozen=True)
class FlowNotification:
    """A table ``[[notifications]]`` of ``flow.toml``: what people are told after a state."""

    state: Annotated[str, Key("The state after which people are notified.", kind=Text(empty=False))]
    message: Annotated[
        str,
        Key(
            "What they are told: text with expressions over the payload in braces, with formats.",
            example='message = "iteration {iteration}: misfit {summary.misfit:.4g}"',
            kind=_Expression(in_braces=True),
        ),
    ]
    when: Annotated[
        str,
        Key(
            "An expression over the payload; they are told where it is true.",
            kind=_Expression(),
        ),
    ] = ""
    picture: Annotated[
        str,
        Key(
            "An expression over the payload that gives a picture as `id` of the collection and "
            "`path`; it is attached where the collection is on this machine.",
            kind=_Expression(),
        ),
    ] = ""
    severity: Annotated[Severity, Key("How urgent it is.", kind=Choice(SEVERITIES))] = "info"
    buttons: Annotated[
        tuple[str, ...],
        Key(
            "Answers that a phone offers, where [notify.phone] allows them: "
            f"{', '.join(RUN_BUTTONS)}.",
            kind=ListOf(Choice(tuple(RUN_BUTTONS))),
            example='buttons = ["cancel"]',
        ),
    ] = ()

    def actions(self, run_id: str) -> tuple[Action, ...]:
        """Return the answers that people can give.

        Args:
            run_id: the run that they are about.
        """
        return tuple(Action(RUN_BUTTONS[name], name, run_id) for name in self.buttons)

    def text(self, payload: Mapping[str, Any]) -> str | None:
        """Return what people are told after the state.

        Args:
            payload: the payload then.

        Returns:
            One or more lines; None if they are told nothing.

        Raises:
            ExpressionError: the payload has not what the message or the condition names.
        """
        if self.when and not _compile(self.when).evaluate(payload):
            return None
        return str(_compile(self.message, in_braces=True).evaluate(payload))

    def picture_location(self, payload: Mapping[str, Any]) -> tuple[str, str] | None:
        """Return id of the collection and path of the picture; None where there is none."""
        from headrace.flowlang.errors import ExpressionError

        if not self.picture:
            return None
        try:
            found = _compile(self.picture).evaluate(payload)
        except ExpressionError:
            return None  # a picture that was not drawn keeps nobody from being told
        if not isinstance(found, dict) or not {"id", "path"} <= found.keys():
            return None
        return str(found["id"]), str(found["path"])
