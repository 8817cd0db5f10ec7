"""Messages to a phone through the stand-in server: buttons, limits, secrets, servers that hang."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from headrace.config.phone_table import phone_settings
from headrace.notifications import Notification, send_notification
from headrace.notifications.phone import ntfy
from headrace.notifications.phone.buttons import signer_of
from headrace.notifications.phone.pairing import (
    new_pairing,
    pairing_file,
    renewed,
    with_secret,
    write_pairing,
)
from tests.support.ntfy_server import NtfyServer
from tests.support.phone import button, failed, pair_project, with_actions
from tests.support.small_project import root

__all__ = ["root"]

RUN = str(UUID(int=1))


@pytest.fixture
def server() -> Iterator[NtfyServer]:
    with NtfyServer() as running:
        yield running


def test_a_picture_that_cannot_be_read_is_left_out(
    root: Path, server: NtfyServer, tmp_path: Path
) -> None:
    project, pairing = pair_project(root, server.url)
    # Of a size, and no file.
    picture = tmp_path / "pictures.png"
    picture.mkdir()
    notification = Notification("a", "b", picture=picture)
    assert send_notification(project.config.notify, notification) == []
    assert [each["title"] for each in server.of_topic(pairing.topic)] == ["a"]


def test_a_failed_run_can_be_retried_and_one_that_waits_resumed(
    root: Path, server: NtfyServer
) -> None:
    project, pairing = pair_project(root, server.url)
    waits = replace(failed(RUN), key=f"run/{RUN}/INACTIVE")
    assert send_notification(project.config.notify, failed(RUN)) == []
    assert send_notification(project.config.notify, waits) == []
    first, second = server.of_topic(pairing.topic)
    assert (first["title"], first["message"], first["priority"]) == ("say: FAILED", "it broke", 4)
    assert [each["label"] for each in first["actions"]] == ["Retry"]
    assert [each["label"] for each in second["actions"]] == ["Resume", "Cancel"]
    settings = phone_settings(project.config.notify)
    assert settings is not None
    retry = button(first, "Retry")
    assert retry["url"] == f"{server.url}/{pairing.answers_topic}"
    read = signer_of(settings, pairing).read(retry["body"])
    assert (read.command.name, read.command.subject, read.command.target) == ("retry", RUN, "local")
    assert read.expires - read.issued == 24 * 3600


def test_only_allowed_commands_are_buttons_and_no_more_than_three(
    root: Path, server: NtfyServer
) -> None:
    project, pairing = pair_project(root, server.url, ("answer",))
    told = with_actions(
        ("Retry", "retry", RUN), *((f"Way {n}", f"answer:{n}", RUN) for n in range(5))
    )
    send_notification(project.config.notify, told)
    [message] = server.of_topic(pairing.topic)
    assert [each["label"] for each in message["actions"]] == ["Way 0", "Way 1", "Way 2"]


def test_without_commands_there_are_no_buttons(root: Path, server: NtfyServer) -> None:
    project, pairing = pair_project(root, server.url, ())
    send_notification(project.config.notify, failed(RUN))
    [message] = server.of_topic(pairing.topic)
    assert "actions" not in message


def test_a_button_carries_the_token_that_may_only_write(root: Path, server: NtfyServer) -> None:
    project, pairing = pair_project(root, server.url)
    keeping = with_secret(with_secret(pairing, "token", "tk_all"), "answers_token", "tk_write")
    write_pairing(project.root, keeping)
    server.tokens |= {"tk_all": {"read", "write"}, "tk_write": {"write"}}
    assert send_notification(project.config.notify, failed(RUN)) == []
    [message] = server.of_topic(pairing.topic)
    assert button(message, "Retry")["headers"]["Authorization"] == "Bearer tk_write"
    assert "tk_all" not in str(message)
    server.press(message, "Retry")
    assert len(server.of_topic(pairing.answers_topic)) == 1


@pytest.mark.parametrize("text", ["x" * 9000, "ä\n" * 9000, '"\\' * 9000, "\N{SNOWMAN}" * 3000])
def test_a_long_message_is_cut_and_keeps_its_buttons(
    root: Path, server: NtfyServer, text: str
) -> None:
    project, pairing = pair_project(root, server.url)
    assert send_notification(project.config.notify, replace(failed(RUN), message=text)) == []
    [message] = server.of_topic(pairing.topic)
    assert message["message"].startswith(text[:500])
    assert message["message"].endswith("…")
    assert len(message["message"].encode()) <= 4096
    assert "attachment" not in message
    assert len(message["actions"]) == 1


def test_a_picture_is_attached_where_the_server_takes_it(
    root: Path, server: NtfyServer, tmp_path: Path
) -> None:
    picture = tmp_path / "misfit.png"
    picture.write_bytes(b"\x89PNG" + bytes(5000))
    project, pairing = pair_project(root, server.url)
    told = replace(failed(RUN), message="zwölf\nlines", picture=picture)
    assert send_notification(project.config.notify, told) == []
    server.attachments = False
    assert send_notification(project.config.notify, told) == []
    first, second = server.of_topic(pairing.topic)
    assert first["attachment"]["name"] == "picture.png"
    assert "attachment" not in second
    for message in first, second:
        assert message["message"] == "zwölf\nlines"
        assert [each["label"] for each in message["actions"]] == ["Retry"]


def test_a_server_that_hangs_is_left_after_a_while(
    root: Path, server: NtfyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ntfy, "_ANSWER_SECONDS", 0.1)
    project, _ = pair_project(root, server.url)
    server.hanging.set()
    [error] = send_notification(project.config.notify, failed(RUN))
    assert error == "notify.phone: not reached (ReadTimeout)"


@pytest.mark.parametrize(("status", "words"), [(429, "too many requests"), (507, "507")])
def test_a_refusal_is_told_without_secrets(
    root: Path, server: NtfyServer, status: int, words: str
) -> None:
    project, pairing = pair_project(root, server.url)
    server.refuse_with.append(status)
    [error] = send_notification(project.config.notify, failed(RUN))
    assert words in error
    assert pairing.topic not in error


def test_an_unreachable_server_is_told_without_secrets(root: Path) -> None:
    project, pairing = pair_project(root, "http://127.0.0.1:1")
    [error] = send_notification(project.config.notify, failed(RUN))
    assert error == "notify.phone: not reached (ConnectionError)"
    assert pairing.topic not in error


def test_topics_may_be_variables(
    root: Path, server: NtfyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, _ = pair_project(root, server.url, topic="$MY_TOPIC")
    [error] = send_notification(project.config.notify, failed(RUN))
    assert error == "notify.phone.topic: the variable $MY_TOPIC is not set"
    monkeypatch.setenv("MY_TOPIC", "mine")
    assert send_notification(project.config.notify, failed(RUN)) == []
    assert len(server.of_topic("mine")) == 1


def test_without_a_pairing_the_way_out_is_told(root: Path, server: NtfyServer) -> None:
    project, _ = pair_project(root, server.url)
    pairing_file(project.root).unlink()
    [error] = send_notification(project.config.notify, Notification("a", "b"))
    assert error == "notify.phone: no phone is paired: `headrace notify pair`"


def test_a_pairing_that_others_can_read_is_refused(root: Path, server: NtfyServer) -> None:
    project, _ = pair_project(root, server.url)
    pairing_file(project.root).chmod(0o644)
    [error] = send_notification(project.config.notify, Notification("a", "b"))
    assert "others can read its secrets" in error
    assert server.requests == []


def test_a_damaged_pairing_is_told_without_its_text(root: Path, server: NtfyServer) -> None:
    project, pairing = pair_project(root, server.url)
    pairing_file(project.root).write_text(f'{{"key": "{pairing.key}"')
    [error] = send_notification(project.config.notify, Notification("a", "b"))
    assert "not a pairing" in error
    assert pairing.key not in error


def test_a_renewed_pairing_has_other_topics_and_another_key() -> None:
    first = with_secret(new_pairing(), "token", "tk_1")
    second = renewed(first)
    assert not {first.topic, first.answers_topic, first.key} & {
        *(second.topic, second.answers_topic, second.key)
    }
    assert second.token == "tk_1"
    assert len(first.key_bytes) == 32
    assert first.key not in repr(first)
