"""A process that syncs when it is told to: one JSON line in, `{"folder", "now", "env"}`.

It says "ready" once everything is imported, so that the time before it can be killed usefully is
spent beforehand. Ends with the exit code of the sync.
"""

import json
import os
import sys
from datetime import datetime
from pathlib import Path

from connector.clock import SimulatedClock
from connector.warehouse.pipeline import sync
from connector.warehouse.settings import Settings


def main() -> int:
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    order = json.loads(sys.stdin.readline())
    os.environ.update(order["env"])
    folder = Path(order["folder"])
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
