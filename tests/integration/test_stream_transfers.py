"""Answers that are spoiled once: what was not the file is fetched again within the run."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from connector.warehouse.run_report import SourceReport
from tests.integration.stream_world import EMPTY, World, event_rows, open_world

ONCE_MORE: dict[str, dict[str, Any]] = {
    "429": {"kind": "status", "code": 429},
    "429_retry_after": {"kind": "status", "code": 429, "retry_after": 7, "times": 3},
    "420": {"kind": "status", "code": 420},
    "420_retry_after": {"kind": "status", "code": 420, "retry_after": 1},
    "503": {"kind": "status", "code": 503, "times": 2},
    "502_html": {"kind": "status", "code": 502, "body": "html"},
    "404_still_listed": {"kind": "status", "code": 404},
    "reset": {"kind": "reset", "endpoint": "data"},
    "reset_thrice": {"kind": "reset", "endpoint": "data", "times": 3},
    "stall": {"kind": "stall", "seconds": 20.0, "at_bytes": 12},
    "cut": {"kind": "cut", "at_bytes": 60},
    "cut_chunked": {"kind": "cut", "at_bytes": 60, "framing": "chunked"},
    "cut_clean": {"kind": "cut", "at_bytes": 60, "framing": "clean", "times": 2},
    "gzip_no_trailer": {"kind": "gzip_no_trailer"},
    "gzip_too_short_length": {"kind": "gzip_wrong_length", "off_by": -9},
    "html": {"kind": "status", "code": 200, "body": "html"},
    "text": {"kind": "status", "code": 200, "body": "text"},
    "json_error": {"kind": "status", "code": 200, "body": "json"},
    "empty": {"kind": "status", "code": 200, "body": "empty"},
}
TAKEN: dict[str, dict[str, Any]] = {
    "gzip_wrong_length": {"kind": "gzip_wrong_length", "times": -1},
    "gzip_longer_length": {"kind": "gzip_wrong_length", "off_by": 40, "times": -1},
    "no_gzip": {"kind": "no_gzip"},
    "redirect": {"kind": "redirect"},
    "redirect_307": {"kind": "redirect", "code": 307},
    "slow": {"kind": "slow", "endpoint": "data", "seconds": 0.05, "bytes_per_second": 20_000},
}
FAULTS = ONCE_MORE | TAKEN


@dataclass(frozen=True, slots=True)
class Spoiled:
    """A sync during which each window's first answer was spoiled in its own way."""

    world: World
    report: SourceReport
    faults: dict[str, int]
    units: dict[str, str]


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spoiled]:
    folder = tmp_path_factory.mktemp("spoiled")
    with open_world(EMPTY, folder, tables="event", timeout_seconds="1") as world:
        faults, units = {}, {}
        for place, (name, fault) in enumerate(FAULTS.items()):
            at = place - len(FAULTS)
            units[name] = world.put(at, event_rows(20, name))
            faults[name] = world.fail(at, **fault)
        yield Spoiled(world, world.sync(), faults, units)


def test_all_spoiled_windows_are_loaded_once_and_whole(spoiled: Spoiled) -> None:
    assert (spoiled.report.errors, spoiled.report.exit_code) == ([], 0)
    assert spoiled.report.units_loaded == len(FAULTS)
    assert spoiled.report.units_failed == 0
    spoiled.world.compare()


@pytest.mark.parametrize("name", ONCE_MORE)
def test_a_spoiled_answer_is_asked_for_again(spoiled: Spoiled, name: str) -> None:
    times = ONCE_MORE[name].get("times", 1)
    asked = spoiled.world.seen(spoiled.faults[name])
    assert asked == times + 1


@pytest.mark.parametrize("name", TAKEN)
def test_an_odd_answer_with_the_whole_file_is_taken(spoiled: Spoiled, name: str) -> None:
    asked = spoiled.world.seen(spoiled.faults[name])
    assert asked == 1


def test_a_redirect_to_another_host_carries_no_token(spoiled: Spoiled) -> None:
    sandbox = spoiled.world.sandbox
    asked = sandbox.requests()["storage"]
    assert len(asked) == 2
    for request in asked:
        assert "authorization" not in request["headers"]
        assert sandbox.scenario.read_token not in str(request)


def test_no_more_downloads_run_at_once_than_the_vendor_allows(spoiled: Spoiled) -> None:
    assert spoiled.world.sandbox.requests()["max_parallel_downloads"] <= 8
