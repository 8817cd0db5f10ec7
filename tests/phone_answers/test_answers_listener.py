"""Reading the topic of answers from the stand-in server, through all that breaks a connection."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from headrace.notifications.phone import ntfy
from headrace.notifications.phone.errors import PhoneServiceError
from headrace.phone_answers.answers_listener import (
    LONGEST_PAUSE,
    POLL_SECONDS,
    AnswersListener,
)
from tests.support.ntfy_server import NtfyServer
from tests.support.waiting import wait_until

TOPIC = "answers"


class Ended(BaseException):
    """Ends a listener between two connections."""


class Texts:
    """A receiver that keeps what it is handed."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.position = "all"
        self.rounds = 0

    def receive(self, message: dict[str, Any]) -> None:
        if message["event"] == "message":
            self.texts.append(message["message"])
            self.position = message["id"]

    def flush_position(self) -> None:
        """Nothing to flush."""

    def finish_started(self) -> None:
        self.rounds += 1


@pytest.fixture
def server() -> Iterator[NtfyServer]:
    with NtfyServer(keepalive=0.05) as running:
        yield running


def client(server: NtfyServer, silence: float = 30.0) -> ntfy.NtfyServer:
    return ntfy.NtfyServer(server.url, silence=silence)


def listening(server: NtfyServer, texts: Texts, **options: Any) -> Callable[[], None]:
    """Listen in a thread; what is returned ends it."""
    ending = threading.Event()

    def wait(seconds: float) -> None:
        if ending.wait(0.01):
            raise Ended

    def work() -> None:
        try:
            AnswersListener(client(server, **options), TOPIC, texts, wait=wait).run()
        except Ended:
            return

    thread = threading.Thread(target=work)
    thread.start()

    def end() -> None:
        ending.set()
        server.no_streams.clear()
        server.drop_streams()
        thread.join()

    return end


def test_messages_come_as_they_are_published(server: NtfyServer) -> None:
    texts = Texts()
    server.publish(TOPIC, "before it listens")
    end = listening(server, texts)
    wait_until(lambda: server.streams == 1, "the stream")
    for number in range(20):
        server.publish(TOPIC, str(number))
    wait_until(lambda: "19" in texts.texts, "the messages")
    wait_until(lambda: texts.rounds > 3, "work at keepalives")
    end()
    # A server may give a message again that came while the stream was opened.
    assert list(dict.fromkeys(texts.texts)) == ["before it listens", *map(str, range(20))]


def test_nothing_is_lost_while_connections_break(server: NtfyServer) -> None:
    texts = Texts()
    end = listening(server, texts)
    for number in range(60):
        server.publish(TOPIC, str(number))
        if number % 7 == 0:
            server.drop_streams()
    wait_until(lambda: "59" in texts.texts, "the last message")
    end()
    assert list(dict.fromkeys(texts.texts)) == [*map(str, range(60))]


def test_a_connection_that_says_nothing_more_is_left(server: NtfyServer) -> None:
    texts = Texts()
    end = listening(server, texts, silence=0.3)
    wait_until(lambda: server.streams == 1, "the stream")
    server.silent.set()
    server.publish(TOPIC, "lost on that connection")
    wait_until(lambda: "lost on that connection" in texts.texts, "another connection")
    end()


def test_where_streams_say_nothing_the_topic_is_asked_for(server: NtfyServer) -> None:
    texts = Texts()
    server.no_streams.set()
    end = listening(server, texts, silence=0.1)
    wait_until(lambda: any("poll=1" in each for each in server.requests), "a question")
    server.publish(TOPIC, "answered")
    wait_until(lambda: texts.texts == ["answered"], "the answer")
    end()


def test_pauses_grow_and_questions_are_evenly_spaced(server: NtfyServer) -> None:
    pauses: list[float] = []
    server.refuse_with += [502] * 9
    listener = AnswersListener(client(server), TOPIC, Texts(), wait=pauses.append)
    listener.run(rounds=9)
    assert pauses[:5] == [1, 2, 4, 8, 16]
    assert max(pauses) == LONGEST_PAUSE
    pauses.clear()
    server.no_streams.set()
    silent = AnswersListener(client(server, 0.05), TOPIC, Texts(), wait=pauses.append)
    silent.run(rounds=4)
    assert pauses[2:] == [POLL_SECONDS, POLL_SECONDS]


def test_what_is_lost_and_found_is_said_once(server: NtfyServer) -> None:
    said: list[str] = []
    server.refuse_with += [403] * 5
    listener = AnswersListener(
        client(server), TOPIC, Texts(), say=said.append, wait=lambda seconds: None
    )
    listener.run(rounds=5)
    assert said == [
        "the server answered 403: limit reached: too many requests; tried again and again"
    ]


def test_a_dead_connection_is_noticed_within_two_minutes() -> None:
    assert ntfy.SILENCE_SECONDS + ntfy._CONNECT_SECONDS < 120


def test_a_proxy_of_the_environment_is_used(
    server: NtfyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    # As a proxy it is asked for whole URLs, of any host.
    monkeypatch.setenv("http_proxy", server.url)
    server.publish(TOPIC, "through the proxy")
    [found] = ntfy.NtfyServer("http://ntfy.example.org").poll(TOPIC, "all")
    assert found["message"] == "through the proxy"
    assert server.requests == [f"GET http://ntfy.example.org/{TOPIC}/json?since=all&poll=1"]


def test_a_token_that_may_not_read_is_told_without_it(server: NtfyServer) -> None:
    server.tokens["tk_write"] = {"write"}
    with pytest.raises(PhoneServiceError) as error:
        list(ntfy.NtfyServer(server.url, "tk_write").poll(TOPIC, "all"))
    assert str(error.value) == "answered 403: forbidden"
    assert error.value.status == 403
