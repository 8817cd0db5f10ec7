"""Scripts of members: one that is the same for all, and the command of each."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Final

from .member import PackMember
from .stale_outputs import removal_text

# What the job runs; its arguments are the member's directory and, where whoever looks for the files
# is on the same machine, "here". Else they are listed where they were made: another machine may see
# them later. Whoever ends this script by a signal, as the kernel does
# when the worker was killed, ends the command with it.
MEMBER_SCRIPT: Final = """#!/bin/bash
directory=$1
cd "$directory/work" || exit 125
[ ! -e "$directory/files" ] || rm -f "$directory/files"
read -r _ _ _ _ group _ <"/proc/$$/stat"
end_command() {
  trap "" TERM
  if [ "$group" = "$$" ]; then kill -s TERM 0; elif [ "$!" ]; then kill -s TERM "$!"; fi
}
trap end_command TERM
bash "$directory/command.sh" &
child=$!
wait "$child"
code=$?
while kill -0 "$child" 2>/dev/null; do
  wait "$child"
  code=$?
done
[ "${2:-}" = here ] || {
  find -L . -xtype l -type d -prune -o -type f -printf '%s %P\\0' \\
    >"$directory/.files.$$" 2>/dev/null &&
    mv "$directory/.files.$$" "$directory/files"
}
exit "$code"
"""
SCRIPT_NAME: Final = "member.sh"
COMMAND_NAME: Final = "command.sh"


def command_text(member: PackMember, inputs: Sequence[str], *, resumes: bool) -> str:
    """Return the text of a member's command.

    Args:
        member: the member.
        inputs: names of its inputs, which are not removed.
        resumes: whether a further attempt goes on with the files of the one before; otherwise its
            outputs are removed first, so that none of them is taken for this one's.
    """
    lines = [f"export {name}={shlex.quote(value)}" for name, value in member.environment.items()]
    if not resumes:
        lines += removal_text(member, inputs)
    return "\n".join([*lines, member.command]) + "\n"
