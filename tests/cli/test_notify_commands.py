"""``headrace notify pair`` and ``unpair`` through the real command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headrace.notifications.phone.pairing import pairing_file, read_pairing
from headrace.notifications.phone.subscription import subscribe_link
from tests.support.command_process import Command, document
from tests.support.optional_packages import skip_without
from tests.support.phone import phone_table

URL = "https://ntfy.example.org"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "headrace.toml").write_text('name = "small"\n' + phone_table(URL, ("retry",)))
    return tmp_path


def test_pairing_shows_what_the_phone_needs_and_no_key(headrace: Command, root: Path) -> None:
    skip_without("segno", "notify")
    shown = headrace("notify", "pair")
    pairing = read_pairing(root)
    assert pairing is not None
    assert f"topic   {pairing.topic}" in shown.stdout
    assert f"server  {URL}" in shown.stdout
    assert shown.stdout.count("█") > 100
    assert "Buttons: retry." in shown.stdout
    for secret in (pairing.key, pairing.answers_topic):
        assert secret not in shown.stdout + shown.stderr
    assert pairing_file(root).stat().st_mode & 0o777 == 0o600
    # For a further phone the same is shown.
    assert headrace("notify", "pair").stdout == shown.stdout
    again = headrace("notify", "pair", "--again")
    assert pairing.topic not in again.stdout
    assert "Buttons that were sent before do nothing any more." in again.stdout


def test_programs_see_the_topic_only_when_they_ask(headrace: Command, root: Path) -> None:
    assert document(headrace, "notify", "pair")["topic"] is None
    pairing = read_pairing(root)
    assert pairing is not None
    told = document(headrace, "notify", "pair", "--show-topic")
    assert told["topic"] == pairing.topic
    assert told["link"] == f"ntfy://ntfy.example.org/{pairing.topic}"
    assert told["commands"] == ["retry"]
    assert pairing.key not in json.dumps(told)


def test_tokens_are_read_from_files_and_kept(headrace: Command, root: Path) -> None:
    (root / "token").write_text("tk_abc\n")
    done = headrace(
        "notify", "pair", "--token-file", "token", "--answers-token-file", "-", stdin="tk_w"
    )
    pairing = read_pairing(root)
    assert pairing is not None
    assert (pairing.token, pairing.answers_token) == ("tk_abc", "tk_w")
    assert "tk_" not in done.stdout + done.stderr
    (root / "token").write_text("two words")
    wrong = headrace("notify", "pair", "--token-file", "token")
    assert (wrong.returncode, "must hold one word" in wrong.stderr) == (2, True)
    assert "two words" not in wrong.stderr


def test_unpairing_deletes_everything(headrace: Command, root: Path) -> None:
    headrace("notify", "pair")
    assert document(headrace, "notify", "unpair") == {"removed": True}
    assert not pairing_file(root).exists()
    assert headrace("notify", "unpair").stdout == "No phone was paired.\n"


def test_a_damaged_pairing_can_be_replaced(headrace: Command, root: Path) -> None:
    headrace("notify", "pair")
    pairing_file(root).write_text("{")
    refused = headrace("notify", "pair")
    assert refused.returncode == 1
    assert "`headrace notify pair --again`" in refused.stderr
    assert headrace("notify", "pair", "--again").returncode == 0
    assert read_pairing(root) is not None


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("", "no [notify.phone] in it"),
        ("[notify.phone]\n", "[notify.phone] has no commands"),
        ('[notify.phone]\ncommands = ["retry"]\n', "no phone is paired: `headrace notify pair`"),
    ],
)
def test_without_a_phone_listening_says_what_is_missing(
    headrace: Command, root: Path, table: str, words: str
) -> None:
    (root / "headrace.toml").write_text(table)
    done = headrace("notify", "listen")
    assert done.returncode == 1
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_server_on_this_machine_is_subscribed_without_encryption() -> None:
    assert subscribe_link("http://127.0.0.1:8080", "a") == "ntfy://127.0.0.1:8080/a?secure=false"
