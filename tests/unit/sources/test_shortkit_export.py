"""What a job is asked with, and what the vendor says of it, in every spelling."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from connector.sources.shortkit.agenda import Window, to_unit
from connector.sources.shortkit.export import (
    ExportState,
    ListedJob,
    read_job_id,
    read_listed,
    read_state,
    to_moment,
    write_request,
)
from tests.unit.sources.test_shortkit_settings import ADS, VIDEOS, make_settings

LINK = "https://exports.shortkit.dev/exp_1/data.jsonl.gz"
MARCH = Window(date(2026, 3, 1), date(2026, 3, 30))


def test_a_request_is_what_the_contract_shows() -> None:
    settings = make_settings()
    assert write_request(to_unit(VIDEOS, MARCH, settings).id, settings) == {
        "startDate": "2026-03-01",
        "endDate": "2026-03-30",
        "dataTypes": ["events", "quality"],
        "format": "jsonl",
        "compression": "gzip",
    }


def test_a_request_has_the_filters_and_forms_that_are_set() -> None:
    settings = make_settings(
        format="csv",
        compression="none",
        end_date="exclusive",
        filters={"content_ids": ["c1"], "event_types": ["like", "swipe"]},
    )
    day = Window(date(2026, 12, 31), date(2026, 12, 31))
    assert write_request(to_unit(ADS, day, settings).id, settings) == {
        "startDate": "2026-12-31",
        "endDate": "2027-01-01",
        "dataTypes": ["ads"],
        "format": "csv",
        "compression": "none",
        "filters": {"contentIds": ["c1"], "eventTypes": ["like", "swipe"]},
    }


@pytest.mark.parametrize(
    ("data", "job_id"),
    [
        ({"jobId": "a"}, "a"),
        ({"exportId": "b"}, "b"),
        ({"id": 7}, "7"),
        ({"id": "c", "exportId": "b", "jobId": "a"}, "a"),
        ({"jobId": "", "id": "c"}, "c"),
        ({"jobId": None}, ""),
        ({}, ""),
    ],
)
def test_the_id_of_a_job_has_several_names(data: dict[str, Any], job_id: str) -> None:
    assert read_job_id(data, make_settings()) == job_id


def test_the_name_that_is_set_goes_first() -> None:
    settings = make_settings(job_id_field="ref")
    assert read_job_id({"ref": "x", "jobId": "a"}, settings) == "x"
    assert read_job_id({"jobId": "a"}, settings) == "a"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("queued", "running"),
        ("processing", "running"),
        ("complete", "done"),
        ("completed", "done"),
        ("COMPLETE ", "done"),
        ("failed", "failed"),
        ("cancelled", "cancelled"),
        ("canceled", "cancelled"),
        ("expired", "expired"),
        ("paused", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
        (5, "unknown"),
    ],
)
def test_every_status_means_something(status: object, state: str) -> None:
    found = read_state({"status": status})
    assert found.state == state
    assert found.status == (str(status) if status else "")


def test_a_state_says_how_far_it_is() -> None:
    data = {"status": "processing", "progress": 45, "processedRows": 5, "estimatedRowCount": 9}
    assert read_state(data) == ExportState("running", "processing", 0.45, None, ())


@pytest.mark.parametrize(
    ("rows", "expected"),
    [(1_250_000, 1_250_000), (0, 0), ("12", 12), (None, None), ("many", None), ({}, None)],
)
def test_a_state_says_how_many_rows_there_are(rows: object, expected: int | None) -> None:
    found = read_state({"status": "complete", "rowCount": rows, "downloadUrl": LINK})
    assert (found.rows, found.links) == (expected, (LINK,))


@pytest.mark.parametrize(
    ("data", "links"),
    [
        ({"downloadUrl": "a"}, ("a",)),
        ({"downloadUrls": ["a", "b"]}, ("a", "b")),
        ({"downloadUrls": ["a", "b"], "downloadUrl": "a"}, ("a", "b")),
        ({"files": [{"url": "a"}, {"url": "b", "size": 1}]}, ("a", "b")),
        ({"files": [{"url": "a"}, "strange", {"name": "x"}]}, ("a",)),
        ({"files": [], "downloadUrl": "a"}, ("a",)),
        ({"downloadUrls": [], "files": [{"url": "b"}]}, ("b",)),
        ({"downloadUrls": None, "downloadUrl": "a"}, ("a",)),
        ({"downloadUrls": "a", "downloadUrl": "b"}, ("b",)),
        ({"files": {"url": "a"}}, ()),
        ({"downloadUrl": None}, ()),
        ({"downloadUrl": ""}, ()),
        ({}, ()),
    ],
)
def test_links_are_read_in_every_spelling(data: dict[str, Any], links: tuple[str, ...]) -> None:
    assert read_state({"status": "complete", **data}).links == links


LISTED = {
    "jobId": "exp_abc123",
    "status": "complete",
    "dateRange": {"start": "2024-01-01", "end": "2024-01-30"},
    "format": "jsonl",
    "fileSize": "245MB",
    "createdAt": "2024-02-04T12:00:00Z",
}


def test_a_job_of_the_list() -> None:
    assert read_listed(LISTED, make_settings()) == ListedJob(
        id="exp_abc123",
        state="done",
        first=date(2024, 1, 1),
        last=date(2024, 1, 30),
        format="jsonl",
        created_at=datetime(2024, 2, 4, 12, tzinfo=UTC),
    )


def test_the_end_of_a_listed_range_is_read_as_it_is_written() -> None:
    found = read_listed(LISTED, make_settings(end_date="exclusive"))
    assert (found.first, found.last) == (date(2024, 1, 1), date(2024, 1, 29))


@pytest.mark.parametrize("span", [None, "2024", [], {}, {"start": 5, "end": None}])
def test_a_listed_job_may_say_little(span: object) -> None:
    found = read_listed({"id": "x", "dateRange": span}, make_settings())
    assert found == ListedJob("x", "unknown", None, None, "", None)


def test_dates_with_times_are_dates() -> None:
    span = {"start": "2024-01-01T00:00:00Z", "end": "2024-01-30T23:59:59Z"}
    found = read_listed({**LISTED, "dateRange": span}, make_settings())
    assert (found.first, found.last) == (date(2024, 1, 1), date(2024, 1, 30))


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2024-02-04T12:00:00Z", datetime(2024, 2, 4, 12, tzinfo=UTC)),
        ("2024-02-04T12:00:00+03:00", datetime(2024, 2, 4, 9, tzinfo=UTC)),
        ("2024-02-04T12:00:00", datetime(2024, 2, 4, 12, tzinfo=UTC)),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_moments_are_utc(value: object, moment: datetime | None) -> None:
    assert to_moment(value) == moment
