"""Runs the commands a new user would run, against a sandbox, and writes what they print into
docs/walkthrough.md and between the marks of README.md: `make walkthrough`.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "walkthrough.md"
README = ROOT / "README.md"
MARKS = re.compile(r"(<!-- demo -->\n).*?(<!-- /demo -->)", re.DOTALL)
CONNECTOR = [sys.executable, "-m", "connector"]
FIRST_LEFT_OUT, LAST_TABLE = "Active users\n", "Reconciliation\n"
TABLES = "event,session_start,session_end,installation"  # enough to look at
INTRODUCTION = """\
# A walk through the commands

Real output, written by `make walkthrough`: a sandbox on loopback plays the vendor, nothing else is
needed. The figures are of an invented population and differ from run to run.
"""
COMMANDS = (
    "connector plan",
    "connector run",
    "connector status",
    "connector verify",
    "connector plan",
    'connector query "SELECT day, sum(sessions) AS sessions FROM mart.app_daily GROUP BY day"',
)


def main() -> None:
    """Run everything in an empty folder and write the pages."""
    with tempfile.TemporaryDirectory() as folder:
        demo = run("connector demo", Path(folder), {})
        README.write_text(
            MARKS.sub(lambda match: match[1] + quote(shorten(demo)) + match[2], README.read_text())
        )
        parts = [INTRODUCTION, section("connector demo", demo)]
        with sandbox(Path(folder)) as env:
            parts += [section(command, run(command, Path(folder), env)) for command in COMMANDS]
    PAGE.write_text("\n".join(parts))


@contextmanager
def sandbox(folder: Path) -> Iterator[Mapping[str, str]]:
    """The environment of a sandbox that runs meanwhile."""
    process = subprocess.Popen(
        [*CONNECTOR, "sandbox", "--json"], cwd=folder, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        env: dict[str, str] = json.loads(process.stdout.readline())["env"]
        yield env | {"SOURCES__APPMETRICA_STREAM__TABLES": TABLES}
    finally:
        process.terminate()
        process.wait()


def run(command: str, folder: Path, env: Mapping[str, str]) -> str:
    """What a command prints on a terminal of 110 columns, without colours."""
    done = subprocess.run(
        [shutil.which("sh") or "sh", "-c", command.replace("connector", " ".join(CONNECTOR), 1)],
        cwd=folder,
        env={**os.environ, **env, "COLUMNS": "110", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return "\n".join(line.rstrip() for line in done.stdout.splitlines()).strip()


def shorten(demo: str) -> str:
    """The first lines of the demo, and its last table."""
    head, rest = demo.split(FIRST_LEFT_OUT, 1)
    return f"{head.rstrip()}\n\n...\n\n{LAST_TABLE}{rest.split(LAST_TABLE, 1)[1]}"


def section(command: str, output: str) -> str:
    """A command and its output."""
    return f"## `{command}`\n\n{quote(output)}"


def quote(output: str) -> str:
    """The output as a block of Markdown."""
    return f"```text\n{output}\n```\n"


if __name__ == "__main__":
    main()
