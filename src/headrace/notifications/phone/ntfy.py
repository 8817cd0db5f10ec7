"""Client of an ntfy server: publishes messages, and reads the messages of a topic.

Sources: docs.ntfy.sh/publish (JSON, action buttons, limits) and docs.ntfy.sh/subscribe/api (stream,
``since``, ``poll``, keepalives, message format). Proxies are those of the environment.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from headrace.notifications.phone.errors import PhoneServiceError

if TYPE_CHECKING:
    from requests import Response

MAX_ACTIONS: Final = 3
"""Buttons that a message may have."""

MAX_MESSAGE_BYTES: Final = 4096
"""Bytes of a message; what is longer is an attachment."""

MAX_ATTACHMENT_BYTES: Final = 2_000_000
"""Bytes of a picture that the public server takes."""

SILENCE_SECONDS: Final = 100.0
"""Seconds without a byte after which a stream is dead; servers send keepalives every 45 s."""

# Of the JSON that is published: the server takes twice the length of a message.
_MAX_JSON_BYTES: Final = 2 * MAX_MESSAGE_BYTES
_MAX_LINE_BYTES: Final = 65_536
_CONNECT_SECONDS: Final = 10.0
_ANSWER_SECONDS: Final = 20.0
_MAX_TITLE: Final = 250
_CUT: Final = "…"


@dataclass(frozen=True)
class NtfyMessage:
    """A message to publish.

    Attributes:
        title: its title, in one line.
        text: the whole text; what is too long is cut.
        priority: 1 to 5; 3 is the usual one.
        tags: words, or names of emojis.
        click: URL that is opened by a tap; empty for none.
        actions: its buttons, as the service's JSON has them.
        picture: a file that is attached; None for none.
    """

    title: str
    text: str
    priority: int = 3
    tags: Sequence[str] = ()
    click: str = ""
    actions: Sequence[Mapping[str, Any]] = field(default=())
    picture: Path | None = None


class NtfyServer:
    """An ntfy server.

    Args:
        url: its URL, without a slash at the end.
        token: access token; empty where it wants none.
        silence: seconds without a byte after which a stream is dead.
    """

    def __init__(self, url: str, token: str = "", silence: float = SILENCE_SECONDS) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._silence = silence

    def publish(self, topic: str, message: NtfyMessage) -> None:
        """Publish a message.

        Args:
            topic: where.
            message: the message; its picture is left out where the server takes none.

        Raises:
            PhoneServiceError: the server refuses, or does not answer.
        """
        if message.picture is not None and _is_small(message.picture):
            try:
                self._publish_picture(topic, message, message.picture)
                return
            except PhoneServiceError as error:
                if not 400 <= error.status < 500 or error.status in (401, 403, 429):
                    raise
            except OSError:
                pass  # the picture cannot be read
        self._send("POST", self._url, _body(topic, message))

    def stream(self, topic: str, since: str) -> Iterator[dict[str, Any]]:
        """Yield the messages of a topic, those that the server has kept first, as they come.

        Keepalives and the opening are yielded as well. It ends when the server ends it.

        Args:
            topic: the topic.
            since: id of the last message that is known; ``all`` for those that are kept.

        Raises:
            PhoneServiceError: the server refuses, cannot be reached, or was silent for too long.
        """
        yield from self._read(f"{topic}/json", {"since": since}, self._silence)

    def poll(self, topic: str, since: str) -> Iterator[dict[str, Any]]:
        """Yield the messages of a topic that the server has kept; see :meth:`stream`."""
        query = {"since": since, "poll": "1"}
        yield from self._read(f"{topic}/json", query, _ANSWER_SECONDS)

    def _publish_picture(self, topic: str, message: NtfyMessage, picture: Path) -> None:
        headers = {
            "X-Title": _line(message.title, _MAX_TITLE),
            # A line break is written as these two characters here.
            "X-Message": _cut(message.text, MAX_MESSAGE_BYTES).replace("\n", "\\n"),
            "X-Priority": str(message.priority),
            "X-Tags": ",".join(message.tags),
            "X-Filename": f"picture{picture.suffix}",
            "X-Click": message.click,
            "X-Actions": json.dumps([*message.actions]) if message.actions else "",
        }
        given = {name: one.encode() for name, one in headers.items() if one}
        self._send("PUT", f"{self._url}/{topic}", picture.read_bytes(), given)

    def _send(
        self, method: str, url: str, data: bytes, headers: Mapping[str, bytes] | None = None
    ) -> None:
        import requests

        try:
            with requests.request(
                method,
                url,
                data=data,
                headers={**self._headers, **(headers or {})},
                timeout=(_CONNECT_SECONDS, _ANSWER_SECONDS),
                allow_redirects=False,
                stream=True,
            ) as answer:
                if answer.status_code != 200:
                    raise _refusal(answer)
        except (requests.RequestException, OSError, ValueError) as error:
            raise _not_reached(error) from None

    def _read(
        self, path: str, query: Mapping[str, str], silence: float
    ) -> Iterator[dict[str, Any]]:
        import requests

        try:
            with requests.get(
                f"{self._url}/{path}",
                params=dict(query),
                headers=self._headers,
                timeout=(_CONNECT_SECONDS, silence),
                allow_redirects=False,
                stream=True,
            ) as answer:
                if answer.status_code != 200:
                    raise _refusal(answer)
                for line in _lines(answer):
                    found = _message(line)
                    if found is not None:
                        yield found
        except (requests.RequestException, OSError, ValueError) as error:
            raise _not_reached(error) from None


def _lines(answer: Response) -> Iterator[bytes]:
    """Yield the lines of an answer as they come; one that never ends is left out."""
    held = b""
    too_long = False
    # Chunks are given as they come; without chunks, only a byte waits for no further ones.
    size = None if getattr(answer.raw, "chunked", False) else 1
    for chunk in answer.iter_content(chunk_size=size):
        held += chunk
        *complete, held = held.split(b"\n")
        for line in complete:
            if not too_long and len(line) <= _MAX_LINE_BYTES:
                yield line
            too_long = False
        if len(held) > _MAX_LINE_BYTES:
            held, too_long = b"", True


def _message(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _body(topic: str, message: NtfyMessage) -> bytes:
    """Return the JSON of a message, which the server's limit holds."""
    body: dict[str, Any] = {
        "topic": topic,
        "title": _line(message.title, _MAX_TITLE),
        "priority": message.priority,
    }
    if message.tags:
        body["tags"] = [*message.tags]
    if message.click:
        body["click"] = message.click
    if message.actions:
        body["actions"] = [dict(each) for each in message.actions]
    room = MAX_MESSAGE_BYTES
    while True:
        text = _cut(message.text, room)
        found = json.dumps({**body, "message": text}, ensure_ascii=False).encode("utf-8", "replace")
        if len(found) <= _MAX_JSON_BYTES or room < len(_CUT.encode()) * 2:
            return found
        room = min(len(text.encode("utf-8", "replace")), room) * 3 // 4


def _cut(text: str, room: int) -> str:
    """Return the beginning of a text that takes no more bytes than there is room for."""
    data = text.encode("utf-8", "replace")
    if len(data) <= room:
        return data.decode()
    return data[: room - len(_CUT.encode())].decode("utf-8", "ignore") + _CUT


def _line(text: str, longest: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1] + _CUT


def _is_small(picture: Path) -> bool:
    try:
        return 0 < picture.stat().st_size <= MAX_ATTACHMENT_BYTES
    except OSError:
        return False


def _refusal(answer: Response) -> PhoneServiceError:
    """Return the error of an answer, with the server's own words and without topic or token."""
    try:
        start = answer.raw.read(4096, decode_content=True)
        found = json.loads(start)
        said = f": {_line(str(found['error']), 200)}"
    except Exception:  # noqa: BLE001 - whatever a server or a proxy answers
        said = ""
    return PhoneServiceError(f"answered {answer.status_code}{said}", answer.status_code)


def _not_reached(error: BaseException) -> PhoneServiceError:
    # Not the error's own words: they hold the URL, and with it the topic.
    return PhoneServiceError(f"not reached ({type(error).__name__})")
