"""Client of Pushover, whose emergency messages have a receipt that says who has seen them.

Sources: pushover.net/api (messages: parameters, priorities, limits) and pushover.net/api/receipts
(``receipts/RECEIPT.json``, not faster than once every 5 seconds, for a week).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from headrace.notifications.phone.buttons import actions_of, command_of
from headrace.notifications.phone.errors import PhoneError, PhoneServiceError

if TYPE_CHECKING:
    from headrace.notifications.notification import Action, Notification
    from headrace.notifications.phone.settings import PhoneSettings

RECEIPT_SECONDS: Final = 5.0
"""Seconds between two questions about receipts, at the least."""

# The service's limits.
_MAX_MESSAGE: Final = 1024
_MAX_TITLE: Final = 250
_MAX_LABEL: Final = 100
_LONGEST_EXPIRE: Final = 10_800
_RETRY_SECONDS: Final = 300
_EMERGENCY: Final = 2

_CONNECT_SECONDS: Final = 10.0
_ANSWER_SECONDS: Final = 20.0
_MAX_ANSWER: Final = 65_536
_RECEIPT: Final = re.compile(r"[A-Za-z0-9]{1,64}")
_PRIORITIES: Final = {"info": 0, "warning": 0, "error": 1, "urgent": 1}
# What one bit can say: let it go on.
_GO_ON: Final = ("retry", "resume", "answer")


@dataclass(frozen=True)
class Receipt:
    """Receipt of an emergency message.

    Attributes:
        acknowledged: whether somebody has acknowledged it.
        expired: whether it is not repeated any more.
    """

    acknowledged: bool
    expired: bool


class PushoverApplication:
    """An application at Pushover, which sends to a user or a group.

    Args:
        url: the service's URL, without a slash at the end.
        token: the application's token.
        user: the key of the user or group.

    Raises:
        PhoneError: token or key are missing.
    """

    def __init__(self, url: str, token: str, user: str) -> None:
        for name, value in (("token", token), ("user", user)):
            if not value:
                raise PhoneError(
                    f"notify.phone.{name} is not known: `headrace notify pair --{name}-file FILE`"
                )
        self._url, self._token, self._user = url, token, user

    def send(
        self, title: str, message: str, priority: int, link: str, expire: int = 0
    ) -> str | None:
        """Send a message.

        Args:
            title: its title.
            message: its text; what is too long is cut.
            priority: from -2 to 2.
            link: URL that is shown below; empty for none.
            expire: with priority 2: seconds for which it is repeated.

        Returns:
            The receipt of an emergency message; else None.

        Raises:
            PhoneServiceError: the service refuses, or does not answer.
        """
        form: dict[str, Any] = {
            "token": self._token,
            "user": self._user,
            "title": _cut(" ".join(title.split()), _MAX_TITLE),
            "message": _cut(message, _MAX_MESSAGE),
            "priority": priority,
        }
        if link:
            form["url"] = link
        if priority == _EMERGENCY:
            form |= {"retry": _RETRY_SECONDS, "expire": max(min(expire, _LONGEST_EXPIRE), 30)}
        receipt = self._call("POST", "/1/messages.json", data=form).get("receipt")
        return receipt if isinstance(receipt, str) and _RECEIPT.fullmatch(receipt) else None

    def receipt(self, receipt: str) -> Receipt:
        """Return what is known about an emergency message.

        Args:
            receipt: its receipt.

        Raises:
            PhoneServiceError: the service refuses, or does not answer.
        """
        found = self._call("GET", f"/1/receipts/{receipt}.json", params={"token": self._token})
        return Receipt(found.get("acknowledged") == 1, found.get("expired") == 1)

    def _call(self, method: str, path: str, **given: Mapping[str, Any]) -> dict[str, Any]:
        import requests

        try:
            with requests.request(
                method,
                f"{self._url}{path}",
                timeout=(_CONNECT_SECONDS, _ANSWER_SECONDS),
                allow_redirects=False,
                stream=True,
                **given,  # type: ignore[arg-type]
            ) as answer:
                body = answer.raw.read(_MAX_ANSWER, decode_content=True)
                status = answer.status_code
        except (requests.RequestException, OSError, ValueError) as error:
            # Not the error's own words: they hold the token.
            raise PhoneServiceError(f"not reached ({type(error).__name__})") from None
        found = _document(body)
        if status != 200 or found.get("status") != 1:
            said = "; ".join(map(str, found.get("errors") or ()))[:200]
            words = f"answered {status}" + (f": {' '.join(said.split())}" if said else "")
            raise PhoneServiceError(words, status)
        return found


def default_action(settings: PhoneSettings, notification: Notification) -> Action | None:
    """Return what an acknowledgement means: the first answer that lets a run go on; None: nothing.

    Args:
        settings: the table; only what it allows is meant.
        notification: what people are told.
    """
    for action in actions_of(notification):
        name = action.command.partition(":")[0]
        if name in _GO_ON and settings.allows(action.command):
            return action
    return None


def send_by_pushover(
    application: PushoverApplication, settings: PhoneSettings, notification: Notification
) -> None:
    """Send a notification; one that an acknowledgement answers is an emergency with a receipt.

    Args:
        application: sends it.
        settings: the table.
        notification: what people are told.

    Raises:
        PhoneServiceError: the service refuses, or does not answer.
        PhoneError: the receipt cannot be kept.
    """
    from headrace.notifications.phone.receipts import keep_receipt

    action = default_action(settings, notification)
    text = notification.message
    is_url = notification.link.startswith(("https://", "http://"))
    if notification.link and not is_url:
        text = notification.text
    if action is not None:
        question = f"\nAcknowledge it to go on: {_cut(action.label, _MAX_LABEL)}."
        text = _cut(text, _MAX_MESSAGE - len(question)) + question
    receipt = application.send(
        notification.subject,
        text,
        _PRIORITIES[notification.severity] if action is None else _EMERGENCY,
        notification.link if is_url else "",
        settings.lifetime_seconds,
    )
    if action is not None and receipt is not None:
        keep_receipt(settings, receipt, command_of(action, settings.target))


def _document(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
