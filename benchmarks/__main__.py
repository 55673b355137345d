"""Run all benchmarks, print the table, and write it to docs/benchmarks.md."""

import argparse
import platform
from importlib.metadata import version
from pathlib import Path

import duckdb

from benchmarks.cases import CASES, Bench, Row

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
INTRODUCTION = """\
# Benchmarks

Written by `make bench`. Each line compares whole processes, run in turn in one session; ratios and
medians, because machines differ and are noisy. The raw side is DuckDB's own
`CREATE TABLE AS SELECT FROM read_csv` of the same file or parts with the column types given (for a
Logs export in JSON `read_json` of the same records as JSON lines, because the vendor's single object
would have to fit into its memory), and ten plain httpx downloads at a time. Requests to MyTracker are
those the sandbox counted in the vendor's own intervals, downloads included. Deliveries to the webhook
receiver come from one process on the same machine; their times count from when each was due.

Where the bar for ShortKit's export is missed: of a sync of 1M rows about 1.4 s of CPU is start-up, planning and
the job, 2 s writing the table, which the raw side does too (1.8 s of its 2.4), and 3.4 s reading: cutting `data`
out to the letter and reading the rest with Arrow (2.4), dealing rows out by day and checking them (0.7), Parquet
between (0.3). DuckDB's own reader takes 0.6 s, but writes `data` anew and drops or refuses broken lines.
"""


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="pairs of runs a figure")
    parser.add_argument("--folder", type=Path, default=ROOT / "benchmarks" / "data")
    parser.add_argument("--only", choices=CASES, action="append", help="measure, write nothing")
    options = parser.parse_args()
    lines = []
    for row in Bench(options.folder, options.runs).run(options.only or CASES):
        print(render(row), flush=True)
        lines.append(render(row))
    if not options.only:
        PAGE.write_text("\n".join([INTRODUCTION, describe_machine(), "", *HEADER, *lines, ""]))


HEADER = ("| work | measured | bar | |", "|---|---|---|---|")


def render(row: Row) -> str:
    """A line of the table."""
    verdict = {True: "reached", False: "**missed**", None: ""}[row.is_passed]
    return f"| {row.work} | {row.figure} | {row.bar} | {verdict} |"


def describe_machine() -> str:
    """What the figures were measured on."""
    cores = len(__import__("os").sched_getaffinity(0))
    return (
        f"{cores} cores, Python {platform.python_version()}, DuckDB {duckdb.__version__},"
        f" dlt {version('dlt')}, pyarrow {version('pyarrow')}."
    )


if __name__ == "__main__":
    main()
