"""The error tree: exit codes of the contract, what each error carries, which are transient."""

import inspect
import itertools
from collections.abc import Sequence
from typing import Any

import pytest
from dlt.common.exceptions import TransientException

from connector import errors
from connector.errors import SEVERITY, ApiError, ConnectorError, worst_exit_code

EXIT_CODES = {
    "ConnectorError": 4,
    "ConfigError": 2,
    "FieldTableError": 2,
    "ApiError": 3,
    "AuthError": 3,
    "RequestError": 3,
    "NotFoundError": 3,
    "TooLargeError": 3,
    "RateLimitError": 4,
    "QueueFullError": 4,
    "QuotaError": 4,
    "ServerError": 4,
    "NetworkError": 4,
    "JobError": 4,
    "JobFailedError": 4,
    "JobExpiredError": 4,
    "JobTimeoutError": 4,
    "StillWaitingError": 4,
    "DownloadError": 4,
    "DecodeError": 4,
    "BusyError": 4,
    "ModelError": 5,
    "UnknownColumnError": 5,
    "CycleError": 5,
    "AuditError": 6,
    "LossError": 7,
}
TRANSIENT = {
    "RateLimitError",
    "QueueFullError",
    "QuotaError",
    "ServerError",
    "NetworkError",
    "JobTimeoutError",
    "StillWaitingError",
    "DownloadError",
    "BusyError",
}
CLASSES = {
    name: value
    for name, value in vars(errors).items()
    if inspect.isclass(value) and issubclass(value, ConnectorError)
}
CONTRACT_CODES = {0, 2, 3, 4, 5, 6, 7, 130}
ARGUMENTS: dict[type[ConnectorError], dict[str, Any]] = {
    errors.ApiError: {"source": "mytracker"},
    errors.JobError: {"job_id": "77"},
    errors.DecodeError: {"file": "a.csv"},
    errors.ModelError: {"model": "core.event"},
    errors.AuditError: {"model": "core.event", "audit": "no_orphans", "rows": 3},
    errors.LossError: {"units": ["u1", "u2"]},
}


def make(name: str) -> ConnectorError:
    """An error of this class with its required arguments filled in."""
    cls = CLASSES[name]
    required = next((given for base, given in ARGUMENTS.items() if issubclass(cls, base)), {})
    return cls("what, where, what next", **required)


def test_every_class_of_the_tree_has_its_exit_code_written_down_here() -> None:
    assert {name: cls.exit_code for name, cls in CLASSES.items()} == EXIT_CODES


def test_the_drawing_of_the_tree_names_every_class() -> None:
    drawing = errors.__doc__ or ""
    assert [name for name in CLASSES if name not in drawing] == []


@pytest.mark.parametrize("name", EXIT_CODES)
def test_error_reads_as_its_text(name: str) -> None:
    assert str(make(name)) == "what, where, what next"


@pytest.mark.parametrize("name", EXIT_CODES)
def test_only_what_a_later_run_may_cure_is_transient_to_dlt(name: str) -> None:
    assert isinstance(make(name), TransientException) == (name in TRANSIENT)


@pytest.mark.parametrize("name", EXIT_CODES)
def test_every_class_is_documented(name: str) -> None:
    assert CLASSES[name].__doc__


def test_api_error_carries_source_status_and_url() -> None:
    error = ApiError("no", source="shortkit", status=418, url="https://host/v1")
    assert (error.source, error.status, error.url) == ("shortkit", 418, "https://host/v1")


def test_api_error_without_an_answer_has_status_zero() -> None:
    error = errors.NetworkError("cut off", source="mytracker")
    assert (error.status, error.url) == (0, "")


def test_rate_limit_error_carries_the_wait_the_vendor_asked_for() -> None:
    assert errors.RateLimitError("slow", source="a", retry_after_s=7.5).retry_after_s == 7.5
    assert errors.RateLimitError("slow", source="a").retry_after_s is None


def test_server_error_can_say_that_asking_again_is_no_use() -> None:
    assert errors.ServerError("down", source="a").is_retryable
    assert not errors.ServerError("down", source="a", status=500, is_retryable=False).is_retryable


def test_errors_carry_the_thing_they_are_about() -> None:
    decode = errors.DecodeError("bad", file="a.csv", line=3, field="price", value="x")
    model = errors.ModelError("bad", model="core.event", line=2, column=9)
    audit = errors.AuditError("bad", model="core.event", audit="no_orphans", rows=4)
    loss = errors.LossError("gone", units=["u1", "u2"])
    assert (decode.file, decode.line, decode.field, decode.value) == ("a.csv", 3, "price", "x")
    assert (model.model, model.line, model.column) == ("core.event", 2, 9)
    assert (audit.model, audit.audit, audit.rows) == ("core.event", "no_orphans", 4)
    assert loss.units == ("u1", "u2")
    assert errors.JobFailedError("bad", job_id="9").job_id == "9"


def test_severity_knows_every_exit_code_of_the_contract_and_no_other() -> None:
    assert set(SEVERITY) == CONTRACT_CODES
    assert len(SEVERITY) == len(CONTRACT_CODES)
    assert set(EXIT_CODES.values()) <= CONTRACT_CODES


@pytest.mark.parametrize(
    ("codes", "worst"),
    [
        ([], 0),
        ([0, 0], 0),
        ([0, 4], 4),
        ([4, 3], 3),  # a refusal needs somebody to act, a later run does not cure it
        ([3, 2], 2),
        ([2, 5], 5),
        ([5, 6], 6),
        ([6, 7], 7),
        ([7, 130], 130),
        ([0, 4, 7, 3, 6], 7),
    ],
)
def test_worst_exit_code(codes: Sequence[int], worst: int) -> None:
    assert worst_exit_code(codes) == worst


def test_worst_exit_code_does_not_depend_on_the_order() -> None:
    for a, b in itertools.combinations(SEVERITY, 2):
        assert worst_exit_code([a, b]) == worst_exit_code([b, a]) == b
