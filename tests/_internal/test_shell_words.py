"""Words of commands that people copy into a shell."""

from __future__ import annotations

import subprocess

import pytest

from headrace._internal.shell_words import shell_word


@pytest.mark.parametrize(
    "text",
    ["", "a b", "path '*': full*", "it's $HOME", "'`id`'", "'\\'", "'!'", "'\"'", "a'\nb", "*"],
)
def test_a_shell_reads_the_text_again(text: str) -> None:
    command = f"printf %s {shell_word(text)}"
    shown = subprocess.run(["sh", "-c", command], check=True, capture_output=True, text=True)
    assert shown.stdout == text


def test_quotes_in_a_cause_stay_legible() -> None:
    assert shell_word("path '*': is full*") == "\"path '*': is full*\""
