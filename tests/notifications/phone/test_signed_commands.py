from __future__ import annotations

import base64
import json
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.notifications.phone.signed_commands import (
    MAX_TEXT,
    Command,
    CommandSigner,
    ForgedCommand,
)

KEY = bytes(range(32))
COMMAND = Command("retry", str(UUID(int=1)), "", "local")


def signer(
    key: bytes = KEY, project: str = "p", topic: str = "t", now: float = 1e9
) -> CommandSigner:
    return CommandSigner(key, project, topic, lambda: now)


@given(st.text(max_size=20), st.text(max_size=50), st.text(max_size=50))
def test_what_was_signed_is_read_again(name: str, subject: str, argument: str) -> None:
    command = Command(name, subject, argument, "globus")
    read = signer().read(signer().sign(command, 3600))
    assert (read.command, read.issued, read.expires) == (command, 10**9, 10**9 + 3600)


def test_each_text_has_a_nonce_of_its_own() -> None:
    assert len({signer().read(signer().sign(COMMAND, 1)).nonce for _ in range(50)}) == 50


@pytest.mark.parametrize(
    "other",
    [signer(key=bytes(32)), signer(project="q"), signer(topic="u")],
    ids=["key", "project", "topic"],
)
def test_a_text_of_another_key_project_or_topic_is_forged(other: CommandSigner) -> None:
    with pytest.raises(ForgedCommand):
        signer().read(other.sign(COMMAND, 3600))


def test_every_changed_character_is_noticed() -> None:
    text = signer().sign(COMMAND, 3600)
    body = text.split(".")[1]
    for place in range(len("hr1."), len("hr1.") + len(body)):
        changed = "A" if text[place] != "A" else "B"
        with pytest.raises(ForgedCommand):
            signer().read(text[:place] + changed + text[place + 1 :])


def test_a_payload_with_a_longer_life_and_the_old_signature_is_forged() -> None:
    version, body, signature = signer().sign(COMMAND, 10).split(".")
    payload = json.loads(base64.urlsafe_b64decode(body + "=="))
    payload["expires"] += 10**6
    longer = base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip("=")
    with pytest.raises(ForgedCommand):
        signer().read(f"{version}.{longer}.{signature}")


@given(st.text(max_size=200) | st.from_regex(r"hr1\.[\w=-]*\.[\w=-]*", fullmatch=True))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(ForgedCommand):
        signer().read(text)


def test_a_long_text_is_not_looked_at() -> None:
    with pytest.raises(ForgedCommand, match="too long"):
        signer().read("hr1." + "A" * MAX_TEXT)


def test_an_expiry_and_a_clock_that_was_set_back_are_seen() -> None:
    read = signer(now=1000).read(signer(now=1000).sign(COMMAND, 60))
    assert not read.is_late(1060)
    assert read.is_late(1061)
    assert not read.is_from_the_future(500)
    assert read.is_from_the_future(399)


@pytest.mark.parametrize("letter", ["\ud800", "é", "\0"])
def test_letters_that_nobody_can_write_are_forged(letter: str) -> None:
    with pytest.raises(ForgedCommand):
        signer().read(f"hr1.{letter}.AAAA")
