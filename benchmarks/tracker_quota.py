"""`python -m benchmarks.tracker_quota FOLDER`: what a day of MyTracker exports costs of its quotas.

24 hourly exports of five events take five minutes each, on a simulated clock that the sandbox and
the connector share. Prints one JSON object: how many requests `connector plan` tells of beforehand,
how many the sandbox counted, and the most it counted in a second, a minute and an hour.
"""

import json
import os
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.shared_clock import SharedClock
from connector.sandbox import App, MyTracker, Population, Sandbox, Scenario
from connector.warehouse.pipeline import SyncRequest, plan, sync
from connector.warehouse.settings import Settings, read_settings

SOURCE = "mytracker"
DAY = timedelta(days=1)
BARRIER_AT = datetime(2026, 3, 2, tzinfo=UTC)  # up to here exports may be asked for
DELAY = timedelta(hours=3, minutes=10)
PARALLEL = 2
SCENARIO = Scenario(
    clock="simulated",
    start=BARRIER_AT + DELAY,
    history_days=1.5,
    apps=(App(4_001_111, "Bench"),),
    population=Population(devices=50, warmup_days=3),
    mytracker=MyTracker(prepare_s=300, has_download_quota=True),
)


def measure(folder: Path) -> dict[str, Any]:
    """One sync of a day into an empty warehouse in `folder`; what it cost."""
    settings = _make_settings(folder)
    with Sandbox(SCENARIO) as sandbox:
        os.environ.update(sandbox.env)
        os.environ["SOURCES__MYTRACKER__START"] = (BARRIER_AT - DAY).isoformat()
        os.environ["SOURCES__MYTRACKER__MAX_JOBS"] = str(PARALLEL)
        clock = SharedClock(sandbox.clock, PARALLEL)
        (before,) = plan(settings, [SOURCE], clock=clock)
        report = sync(settings, [SOURCE], SyncRequest(max_wait_s=86_400), clock=clock)
        exports = report.sources[SOURCE].units_loaded
        if report.exit_code or exports != len(before.due):
            raise RuntimeError(f"{exports} of {len(before.due)} exports: {report.to_json()}")
        return {"exports": exports, "planned": before.requests, **_read_use(sandbox)}


def _make_settings(folder: Path) -> Settings:
    shutil.rmtree(folder, ignore_errors=True)
    os.environ["CONNECTOR__WAREHOUSE"] = str(folder / "w.duckdb")
    os.environ["CONNECTOR__HOME"] = str(folder / "home")
    return read_settings()


def _read_use(sandbox: Sandbox) -> dict[str, int]:
    """Requests in all, and the most in each kind of interval, as the vendor would count them."""
    counts = sandbox.mytracker.quotas._counts
    use = {
        name: max(n for (quota, _), n in counts.items() if quota == f"RequestsByUserPer{name}")
        for name in ("Second", "Minute", "Hour")
    }
    sent = sum(n for (quota, _), n in counts.items() if quota == "RequestsByUserPerHour")
    throttled = sandbox.mytracker_requests()["throttled"]
    if throttled:
        raise RuntimeError(f"{throttled} requests were refused for a quota")
    return {"sent": sent, **{name.lower(): most for name, most in use.items()}}


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]) / "quota")))
