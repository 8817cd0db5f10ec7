"""Snakemake: a rule with a shell command for each member, two at once. Prints JSON."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

SNAKEFILE = """\
rule all:
    input: expand("out/{{i}}", i=range({members}))
rule one:
    output: touch("out/{{i}}")
    shell: "true"
"""


def main(members: int, slots: int) -> None:
    """Run the program in the current directory."""
    Path("Snakefile").write_text(SNAKEFILE.format(members=members))
    program = str(Path(sys.executable).with_name("snakemake"))
    begun = time.perf_counter()
    subprocess.run(
        [program, "--cores", str(slots), "--quiet", "all"], check=True, stdout=sys.stderr
    )
    seconds = time.perf_counter() - begun
    if len(list(Path("out").iterdir())) != members:
        raise SystemExit("snakemake: not every rule was run")
    print(json.dumps({"ms_each": 1e3 * seconds / members}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
