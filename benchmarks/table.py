"""One table of what the benchmarks measure, each beside its peers.

``run`` runs the benchmarks one after the other and keeps their rows in a file, with the machine,
its load before each, and the commit. ``show`` prints the table of that file, in Markdown, and
``write`` writes it into the README and, with all settings, into ``docs/figures.md``. A row is a
measured thing: one value of headrace for each round, and the values of its peers, each measured in
turn with it. The ratio is the median of the rounds' ratios.

    python benchmarks/table.py run [--results FILE] [NAME ...]
    python benchmarks/table.py show [--results FILE]
    python benchmarks/table.py write [--results FILE]
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
NAMES: Final = (
    "adjoint_sources",
    "solver",
    "specfem",
    "fit",
    "events",
    "trigger",
    "transfer",
    "engine",
    "starts",
    "run_lists",
    "run_selection",
    "campaign",
    "campaign_ledger",
    "status",
    "language",
    "pilot",
    "endpoint",
    "inversion",
    "deploy",
    "command_line",
    "web",
)
"""The benchmarks whose rows the table has, in its order."""

BEGIN: Final = "<!-- Figures: written by `make bench`. -->"
END: Final = "<!-- End of the figures. -->"
"""The lines of the README between which the table stands."""

README_ROWS: Final = 5
"""The first rows of each benchmark stand in the README; its page has all."""

_DIGITS: Final = 2
_PAGE: Final = """# Figures

What `make bench` measured, each beside its strongest peer or the raw limit, in the same call and in
turn. The README has the first five rows of each script, without the settings.
`benchmarks/results.json` holds every value, the date, the commit and the load of the machine before
each script.

"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run benchmarks, or print the table of what they gave.

    Returns:
        0, or 1 if a benchmark failed; the others ran.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run benchmarks, and keep their rows")
    run.add_argument("names", nargs="*", metavar="NAME", help="all by default")
    show = commands.add_parser("show", help="print the table of what was kept")
    write = commands.add_parser("write", help="write the table into the README and its page")
    for command in (run, show, write):
        default = ROOT / "benchmarks" / "results.json"
        command.add_argument("--results", type=Path, default=default, metavar="FILE")
    options = parser.parse_args(arguments)
    if options.command != "run":
        if not options.results.is_file():
            parser.error(f"{options.results} is not there; `run` writes it")
        results = json.loads(options.results.read_text())
        if options.command == "show":
            print(table(results), end="")
        else:
            (ROOT / "README.md").write_text(readme(results, (ROOT / "README.md").read_text()))
            (ROOT / "docs" / "figures.md").write_text(page(results))
        return 0
    unknown = sorted(set(options.names) - set(NAMES))
    if unknown:
        parser.error(f"no benchmark named {', '.join(unknown)}; there are {', '.join(NAMES)}")
    return _run(options.names or NAMES, options.results)


def _run(names: Sequence[str], path: Path) -> int:
    results = json.loads(path.read_text()) if path.exists() else {"benchmarks": {}}
    results["machine"] = describe_machine()
    path.parent.mkdir(parents=True, exist_ok=True)
    failed = 0
    for name in names:
        print(f"{name} ...", file=sys.stderr, flush=True)
        load = os.getloadavg()[0]
        command = [sys.executable, str(ROOT / "benchmarks" / f"{name}.py")]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            print(f"{name} failed with exit code {done.returncode}", file=sys.stderr)
            failed = 1
            continue
        rows = json.loads(done.stdout[done.stdout.index("{") :])["rows"]
        results["benchmarks"][name] = {
            "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
            "commit": _commit(),
            "load": round(load, 2),
            "rows": rows,
        }
        path.write_text(json.dumps(results, indent=1) + "\n")
        for row in rows:
            print("  " + " | ".join(cells(name, row)), file=sys.stderr, flush=True)
    return failed


def readme(results: Mapping[str, Any], text: str) -> str:
    """Return the README's text with the table of the results in the place of its own.

    Raises:
        ValueError: the text has no place for it.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the README has no lines {BEGIN} and {END}")
    return f"{before}{begin}\n{table(results, settings=False, most=README_ROWS)}{end}{after}"


def page(results: Mapping[str, Any]) -> str:
    """Return the page of the table with all settings, in Markdown."""
    return _PAGE + table(results)


def table(results: Mapping[str, Any], settings: bool = True, most: int | None = None) -> str:
    """Return the table, in Markdown.

    Args:
        results: what `run` kept.
        settings: whether each row and each peer has its settings.
        most: rows of each benchmark; all by default.
    """
    lines = [
        f"{results['machine']}. Medians, with the least and the largest of the rounds in",
        "brackets. A ratio above 1 is in headrace's favour, below 1 in its peer's.",
        "",
        "| | headrace | beside it, in turn | ratio | script |",
        "|---|---|---|---|---|",
    ]
    for name in NAMES:
        measured = results["benchmarks"].get(name, {"rows": []})
        lines += [
            f"| {' | '.join(cells(name, row, settings))} |" for row in measured["rows"][:most]
        ]
    return "\n".join(lines) + "\n"


def cells(name: str, row: Mapping[str, Any], settings: bool = True) -> tuple[str, ...]:
    """Return a row's cells: the measured thing, ours, the peers', the ratios, the script."""
    unit = row["unit"]
    ours = f" ({row['settings']})" if settings and row.get("settings") else ""
    peers, quotients = [], []
    for peer in row.get("peers", ()):
        if not peer["values"]:
            continue  # it is not on this machine
        told = f", {peer['settings']}" if settings and peer.get("settings") else ""
        peers.append(f"{peer['name']}{told}: {spread(peer['values'], unit)}")
        quotients.append(_spread(ratios(row, peer["values"])))
    return (
        f"{row['what']}{ours}",
        spread(row["ours"], unit),
        "<br>".join(peers),
        "<br>".join(quotients),
        f"`benchmarks/{name}.py`",
    )


def ratios(row: Mapping[str, Any], peer: Sequence[float]) -> list[float]:
    """Return a peer's ratio in each round; above 1 where headrace is the better one."""
    less = row["better"] == "less"
    pairs = zip(row["ours"], peer, strict=False)
    return [theirs / ours if less else ours / theirs for ours, theirs in pairs]


def spread(values: Sequence[float], unit: str) -> str:
    """Return the median with its unit, and the least and the largest value in brackets."""
    return f"{_spread(values, '' if unit.startswith('/') else ' ', unit)}"


def _spread(values: Sequence[float], gap: str = "", unit: str = "") -> str:
    middle = f"{_number(statistics.median(values))}{gap}{unit}"
    least, largest = _number(min(values)), _number(max(values))
    return middle if least == largest else f"{middle} ({least}-{largest})"


def _number(value: float) -> str:
    """Write a number with two significant digits, or all digits before the point."""
    if value == 0:
        return "0"
    if abs(value) >= 10**_DIGITS:
        step = 10 ** max(len(str(int(abs(value)))) - 3, 0)
        return f"{round(value / step) * step:,}"
    return f"{float(f'{value:.{_DIGITS}g}'):g}"


def describe_machine() -> str:
    """Describe the machine in a few words: processor, cores, Python."""
    model = platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return f"{os.cpu_count()} cores of {model}, Python {platform.python_version()}"


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
