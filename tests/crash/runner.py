"""A process that syncs when it is told to: one JSON line in, `{"folder", "now", "env", ...}`.

With "live" it runs the source in a dlt pipeline of its own instead, into that destination.

It says "ready" once everything is imported, so that the time before it can be killed usefully is
spent beforehand. Ends with the exit code of the sync.
"""

import json
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import dlt
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


def main() -> int:
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    order = json.loads(sys.stdin.readline())
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
    return sync(settings, ["appmetrica_stream"], clock=clock).exit_code


if __name__ == "__main__":
    sys.exit(main())
