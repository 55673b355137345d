"""How long is waited before a request is sent again, and how often."""

from collections.abc import Callable
from typing import Any

import pytest
import stamina

from connector.errors import (
    AuthError,
    DownloadError,
    NetworkError,
    QuotaError,
    RateLimitError,
    ServerError,
)
from connector.http import FILE_TRIES, LONGEST_WAIT_S, ApiClient, Retry
from tests.unit.engine.vendor import connect

Wait = Callable[[Exception], bool | float]
LOST = NetworkError("reset", source="vendor")
BROKEN = DownloadError("cut off")
THROTTLED = RateLimitError("slow down", source="vendor")
BUSY = ServerError("busy", source="vendor")


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Wait:
    """The rule of a new request: an error -> seconds to wait, False to give up."""
    taken: list[Wait] = []

    def take_rule(on: Wait, **_: Any) -> list[stamina.Attempt]:
        taken.append(on)
        return []

    monkeypatch.setattr(stamina, "retry_context", take_rule)
    with connect("http://127.0.0.1:9") as client:
        client.attempts()
    return taken[0]


def test_throttling_without_a_hint_waits_five_seconds_growing_to_sixty(wait: Wait) -> None:
    waits = [wait(THROTTLED) for _ in range(8)]
    for waited, least in zip(waits, [5, 10, 20, 40, 60, 60, 60, 60], strict=True):
        assert least <= waited <= least * 1.25


def test_waits_have_jitter(wait: Wait) -> None:
    assert len({wait(THROTTLED) for _ in range(20)}) > 10


@pytest.mark.parametrize("error", [LOST, BUSY])
def test_failures_wait_half_a_second_growing_to_thirty(wait: Wait, error: Exception) -> None:
    waits = [wait(error) for _ in range(9)]
    for waited, least in zip(waits, [0.5, 1, 2, 4, 8, 16, 30, 30, 30], strict=True):
        assert least <= waited <= least * 1.25


def test_what_the_vendor_asks_for_is_honoured(wait: Wait) -> None:
    assert wait(RateLimitError("x", source="vendor", retry_after_s=37.5)) == 37.5
    assert wait(ServerError("x", source="vendor", retry_after_s=3)) == 3
    assert 5 <= wait(THROTTLED) <= 6.25


@pytest.mark.parametrize("kind", [RateLimitError, ServerError])
def test_a_vendor_that_asks_for_too_long_gets_the_next_run(wait: Wait, kind: Any) -> None:
    assert wait(kind("x", source="vendor", retry_after_s=LONGEST_WAIT_S)) == LONGEST_WAIT_S
    assert wait(kind("x", source="vendor", retry_after_s=LONGEST_WAIT_S + 1)) is False
    assert wait(kind("x", source="vendor", retry_after_s=float("inf"))) is False


def test_broken_file_is_fetched_three_times_in_all(wait: Wait) -> None:
    assert FILE_TRIES == 3
    assert wait(BROKEN) > 0
    assert wait(LOST) > 0
    assert wait(BROKEN) > 0
    assert wait(BROKEN) is False


@pytest.mark.parametrize(
    "error",
    [
        AuthError("no", source="vendor", status=401),
        QuotaError("used up", source="vendor"),
        ServerError("do not retry", source="vendor", status=500, is_retryable=False),
        ValueError("a bug"),
    ],
)
def test_what_no_repetition_helps_is_given_up_at_once(wait: Wait, error: Exception) -> None:
    assert wait(error) is False


def test_request_is_tried_six_times_in_all() -> None:
    tries = 0

    def try_often(client: ApiClient) -> None:
        nonlocal tries
        for attempt in client.attempts():
            with attempt:
                tries += 1
                raise BUSY

    with connect("http://127.0.0.1:9") as client, pytest.raises(ServerError):
        try_often(client)
    assert tries == Retry().attempts == 6
