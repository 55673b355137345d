"""ShortKit used alone, in somebody's own pipeline: asks, loads, and leaves nothing behind."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dlt
import duckdb
import pytest

from connector.clock import SimulatedClock
from connector.journal import Journal
from connector.live import live_source
from connector.sources.shortkit import make_api, make_options
from tests.unit.sources.test_shortkit_settings import GIVEN, TOKEN
from tests.unit.sources.video_vendor import VideoVendor, serve

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock(NOW)


@pytest.fixture
def vendor(clock: SimulatedClock) -> Iterator[VideoVendor]:
    with serve(clock) as vendor:
        vendor.make = lambda body: finish(vendor, body)
        yield vendor


def finish(vendor: VideoVendor, body: dict[str, Any]) -> dict[str, Any]:
    """A job that is done at once: two rows for each of its days."""
    first = datetime.fromisoformat(body["startDate"])
    last = datetime.fromisoformat(body["endDate"])
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    names = ("impression", "click") if body["dataTypes"] == ["ads"] else ("like", "error")
    rows = [
        {"event": name, "timestamp": f"{day:%Y-%m-%d}T10:00:00Z", "data": {"n": 1}}
        for day in days
        for name in names
    ]
    text = "".join(f"{json.dumps(row)}\n" for row in rows)
    link = vendor.put(f"{len(vendor.jobs)}.gz", text.encode())
    return {"status": "complete", "rowCount": len(rows), "downloadUrl": link}


def run(folder: Path, vendor: VideoVendor, clock: SimulatedClock, **changes: Any) -> dlt.Pipeline:
    settings = {
        **GIVEN,
        "base_url": f"{vendor.url}/v1",
        "download_hosts": vendor.url.removeprefix("http://"),
        "start": "2026-03-05",
        **changes,
    }
    pipeline = dlt.pipeline(
        "mine",
        destination=dlt.destinations.duckdb(str(folder / "mine.duckdb")),
        dataset_name="video",
        pipelines_dir=str(folder / "pipelines"),
    )
    source = live_source(lambda context: make_api(settings, context), make_options(settings), clock)
    pipeline.run(source)
    return pipeline


def count(folder: Path) -> dict[str, int]:
    with duckdb.connect(str(folder / "mine.duckdb")) as connection:
        counts: dict[str, int] = {}
        for name in ("events", "quality", "ads", "units"):
            ((counts[name],),) = connection.execute(f"SELECT count(*) FROM video.{name}").fetchall()
        return counts


def home(pipeline: dlt.Pipeline) -> Path:
    return Path(pipeline.working_dir) / "connector"


def files(pipeline: dlt.Pipeline) -> list[str]:
    return [path.name for path in (home(pipeline) / "spool").iterdir()]


def test_a_run_loads_the_days_and_the_next_day_only_what_is_new(
    tmp_path: Path, vendor: VideoVendor, clock: SimulatedClock
) -> None:
    pipeline = run(tmp_path, vendor, clock)
    assert vendor.count("POST") == 2
    assert count(tmp_path) == {"events": 5, "quality": 5, "ads": 10, "units": 15}
    clock.advance(86_400)
    run(tmp_path, vendor, clock)
    spans = [(one.body["startDate"], one.body["endDate"]) for one in vendor.find("POST")]
    assert sorted(spans) == [("2026-03-05", "2026-03-09")] * 2 + [("2026-03-08", "2026-03-10")] * 2
    assert count(tmp_path) == {"events": 6, "quality": 6, "ads": 12, "units": 18}
    for asked in vendor.asked:
        is_file = asked.path.startswith("/files/")
        assert ("authorization" in asked.headers) != is_file
    assert TOKEN not in (home(pipeline) / "journal.db").read_bytes().decode("latin-1")


def test_a_file_is_deleted_by_the_run_after_the_one_that_loaded_it(
    tmp_path: Path, vendor: VideoVendor, clock: SimulatedClock
) -> None:
    pipeline = run(tmp_path, vendor, clock)
    before = set(files(pipeline))
    assert len(before) == 2
    clock.advance(86_400)
    run(tmp_path, vendor, clock)
    assert before.isdisjoint(files(pipeline))
    assert len(files(pipeline)) == 2
    journal = Journal(home(pipeline) / "journal.db")
    assert len(journal.files("shortkit")) == 2
    assert journal.jobs("shortkit") == {}
    journal.close()


def test_a_second_run_of_a_day_asks_for_no_more_than_the_look_back(
    tmp_path: Path, vendor: VideoVendor, clock: SimulatedClock
) -> None:
    run(tmp_path, vendor, clock)
    run(tmp_path, vendor, clock)
    assert vendor.count("POST") <= 4
    assert count(tmp_path) == {"events": 5, "quality": 5, "ads": 10, "units": 15}
