"""Processes that sync when they are told to: one JSON line in, `{"folder", "now", "env", ...}`.

With "live" the source runs in a dlt pipeline of its own instead, into that destination.

Everything is imported once, here; each order is carried out by a child, so that the time before it
can be killed usefully is spent beforehand. Says the id of the child, then how it ended: with the
exit code of the sync, or minus the signal.
"""

import json
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import dlt
import duckdb  # noqa: F401 - takes long: the children have it already
from dlt.pipeline.exceptions import PipelineStepFailed

from connector.clock import SimulatedClock
from connector.sources.appmetrica_stream import appmetrica_stream
from connector.warehouse.pipeline import sync
from connector.warehouse.settings import Settings


def run_live(folder: Path, kind: str) -> int:
    """One run of somebody's own pipeline; what a killed one left is loaded first."""
    destination: Any = dlt.destinations.duckdb(str(folder / "mine.duckdb"))
    if kind == "filesystem":
        destination = dlt.destinations.filesystem(str(folder / "lake"))
    pipeline = dlt.pipeline(
        "mine", destination=destination, dataset_name="raw", pipelines_dir=str(folder / "dlt")
    )
    while pipeline.has_pending_data:
        try:
            pipeline.run(loader_file_format="parquet")
        except PipelineStepFailed:  # dlt cannot go on from every instant: it advises to abort
            pipeline.abort_packages()
    pipeline.run(appmetrica_stream(), loader_file_format="parquet").raise_on_failed_jobs()
    return 0


def obey(order: dict[str, Any]) -> int:
    """One sync; its exit code."""
    os.environ.update(order["env"])
    folder = Path(order["folder"])
    if order.get("live"):
        return run_live(folder, order["live"])
    settings = Settings(
        warehouse=folder / "warehouse.duckdb",
        destination="duckdb",
        home=folder / "home",
        max_run_bytes=order["max_run_bytes"],
        keep_files=False,
        report_time_zone="UTC",
        publish="",
    )
    clock = SimulatedClock(datetime.fromisoformat(order["now"]))
    source = order.get("source", "appmetrica_stream")
    return sync(settings, [source], clock=clock).exit_code


def say(number: int) -> None:
    """A line for whoever gives the orders."""
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def main() -> None:
    while order := sys.stdin.readline():
        if (child := os.fork()) == 0:
            os.dup2(2, 1)  # what it prints is no answer to an order
            code = 1
            try:
                code = obey(json.loads(order))
            finally:
                os._exit(code)
        say(child)
        _, status = os.waitpid(child, 0)
        say(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
