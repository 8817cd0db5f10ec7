"""Buttons of a message: which it has, and what each sends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from headrace.notifications.phone.ntfy import MAX_ACTIONS
from headrace.notifications.phone.signed_commands import Command, CommandSigner

if TYPE_CHECKING:
    from headrace.notifications.notification import Action, Notification
    from headrace.notifications.phone.pairing import Pairing
    from headrace.notifications.phone.settings import PhoneSettings

_LONGEST_LABEL: Final = 30
# What can be answered to a run that has a status, where whoever tells of it does not say.
_OF_A_STATUS: Final = {
    "FAILED": (("Retry", "retry"),),
    "INACTIVE": (("Resume", "resume"), ("Cancel", "cancel")),
}


def actions_of(notification: Notification) -> Sequence[Action]:
    """Return the answers that people can give to a notification.

    They are its own; else those of the run and the status that its key names.
    """
    from headrace.notifications.notification import Action

    if notification.actions:
        return notification.actions
    kind, _, rest = notification.key.partition("/")
    run_id, _, status = rest.partition("/")
    if kind != "run" or not run_id:
        return ()
    return [Action(label, command, run_id) for label, command in _OF_A_STATUS.get(status, ())]


def command_of(action: Action, target: str) -> Command:
    """Return the command that a button gives.

    Args:
        action: the button; its command may have an argument, ``answer:OPTION``.
        target: where the run is.
    """
    name, _, argument = action.command.partition(":")
    return Command(name, action.run_id, argument, target)


def signer_of(settings: PhoneSettings, pairing: Pairing) -> CommandSigner:
    """Return the signer of a project's commands.

    Raises:
        PhoneError: the variable of the topic of answers is not set.
    """
    topic = settings.secret("answers_topic", pairing)
    return CommandSigner(pairing.key_bytes, settings.project, topic)


def ntfy_buttons(
    settings: PhoneSettings, pairing: Pairing, notification: Notification
) -> list[dict[str, Any]]:
    """Return the buttons of a message as ntfy's JSON has them, three at most.

    Args:
        settings: the table; only what it allows is a button.
        pairing: the project's pairing.
        notification: what people are told.

    Raises:
        PhoneError: a variable that the table names is not set.
    """
    actions = [each for each in actions_of(notification) if settings.allows(each.command)]
    if not actions:
        return []
    signer = signer_of(settings, pairing)
    url = f"{settings.base_url}/{settings.secret('answers_topic', pairing)}"
    # Kept for a listener that is away, and not passed on to a push service of others.
    headers = {"Cache": "yes", "Firebase": "no"}
    if token := settings.secret("answers_token", pairing):
        headers["Authorization"] = f"Bearer {token}"
    return [
        {
            "action": "http",
            "label": " ".join(each.label.split())[:_LONGEST_LABEL] or each.command,
            "url": url,
            "method": "POST",
            "headers": headers,
            "body": signer.sign(command_of(each, settings.target), settings.lifetime_seconds),
            "clear": True,
        }
        for each in actions[:MAX_ACTIONS]
    ]
