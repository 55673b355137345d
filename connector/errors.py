"""Every error the connector raises, and the exit code each one ends the process with.

    ConnectorError
      ConfigError                                   2   names the key and where to set it
        FieldTableError
      ApiError(source, status, url)
        AuthError, RequestError, TooLargeError,
          NotFoundError (a RequestError)            3   refused: asking again is no use
        RateLimitError(retry_after_s), QuotaError,
          QueueFullError (a RateLimitError),
        ServerError, NetworkError                   4   transient: a later run may succeed
      JobError(job_id)                              4
        JobFailedError, JobExpiredError,
          JobTimeoutError, StillWaitingError
      DownloadError, DecodeError                    4
      BusyError                                     4   home or warehouse is held by another process
      ModelError(model, line, column)               5
        UnknownColumnError, CycleError
      AuditError(model, audit, rows)                6
      LossError(units)                              7

Each text says what happened, where, and what to do next. No text ever holds a credential: URLs
pass through ``connector.http.redact_url`` first.
"""

from collections.abc import Sequence

from dlt.common.exceptions import TransientException

EXIT_OK = 0
EXIT_INTERRUPTED = 130


class ConnectorError(Exception):
    """Root of the tree; `exit_code` is what the process ends with when it is not handled."""

    exit_code = 4


class ConfigError(ConnectorError):
    """A setting is missing or wrong; the text names the key, where it was read, how to set it."""

    exit_code = 2


class FieldTableError(ConfigError):
    """A fields.toml contradicts itself."""


class ApiError(ConnectorError):
    """The vendor answered with an error.

    `status` is the HTTP code, 0 when there was no answer; `url` has no credentials in it.
    """

    exit_code = 3

    def __init__(self, text: str, *, source: str, status: int = 0, url: str = "") -> None:
        super().__init__(text)
        self.source = source
        self.status = status
        self.url = url


class AuthError(ApiError):
    """401 or 403: the token is missing, wrong, or lacks a right."""


class RequestError(ApiError):
    """The vendor refuses this request as it stands (another 4xx)."""


class NotFoundError(RequestError):
    """404: the thing asked for is not there, or not there any more."""


class TooLargeError(ApiError):
    """The vendor wants a smaller request; the planner splits the unit."""


class RateLimitError(ApiError, TransientException):
    """429 or 420; `retry_after_s` is what the vendor asked for, or None."""

    exit_code = 4

    def __init__(
        self,
        text: str,
        *,
        source: str,
        status: int = 429,
        url: str = "",
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(text, source=source, status=status, url=url)
        self.retry_after_s = retry_after_s


class QueueFullError(RateLimitError):
    """The vendor's queue has no place for another job just now: waiting is all there is to do."""


class QuotaError(ApiError, TransientException):
    """A daily or monthly allowance is used up; nothing helps before it renews."""

    exit_code = 4


class ServerError(ApiError, TransientException):
    """A 5xx answer; `is_retryable` is False where the vendor says not to ask again."""

    exit_code = 4

    def __init__(
        self,
        text: str,
        *,
        source: str,
        status: int = 503,
        url: str = "",
        is_retryable: bool = True,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(text, source=source, status=status, url=url)
        self.is_retryable = is_retryable
        self.retry_after_s = retry_after_s


class NetworkError(ApiError, TransientException):
    """No complete answer came: refused, reset, timed out, cut off."""

    exit_code = 4


class JobError(ConnectorError):
    """A remote job did not give its file."""

    def __init__(self, text: str, *, job_id: str) -> None:
        super().__init__(text)
        self.job_id = job_id


class JobFailedError(JobError):
    """The vendor reports the job as failed."""


class JobExpiredError(JobError):
    """The job's files have been deleted by the vendor."""


class JobTimeoutError(JobError, TransientException):
    """The job did not become ready before its deadline, or does not move: it was taken back."""


class StillWaitingError(JobError, TransientException):
    """The run's time for waiting is over: the job goes on, and the next run takes it up."""


class DownloadError(ConnectorError, TransientException):
    """What came is not the file that was asked for: truncated, broken gzip, HTML, empty."""


class DecodeError(ConnectorError):
    """A verified file cannot be read as the table it should hold."""

    def __init__(
        self, text: str, *, file: str, line: int | None = None, field: str = "", value: str = ""
    ) -> None:
        super().__init__(text)
        self.file = file
        self.line = line
        self.field = field
        self.value = value


class BusyError(ConnectorError, TransientException):
    """Another process holds the home folder or the warehouse file."""


class ModelError(ConnectorError):
    """A SQL model cannot be built; `line` and `column` are 1-based positions in its file."""

    exit_code = 5

    def __init__(
        self, text: str, *, model: str, line: int | None = None, column: int | None = None
    ) -> None:
        super().__init__(text)
        self.model = model
        self.line = line
        self.column = column


class UnknownColumnError(ModelError):
    """A model names a column or table that does not exist."""


class CycleError(ModelError):
    """Models depend on each other in a circle."""


class AuditError(ConnectorError):
    """An audit found offending rows; what readers see was left unchanged."""

    exit_code = 6

    def __init__(self, text: str, *, model: str, audit: str, rows: int) -> None:
        super().__init__(text)
        self.model = model
        self.audit = audit
        self.rows = rows


class LossError(ConnectorError):
    """Units that can no longer be had from the vendor, by name."""

    exit_code = 7

    def __init__(self, text: str, *, units: Sequence[str]) -> None:
        super().__init__(text)
        self.units = tuple(units)


SEVERITY = (0, 4, 3, 2, 5, 6, 7, EXIT_INTERRUPTED)
"""Exit codes from best to worst: a run ends with the worst of its outcomes."""


def worst_exit_code(codes: Sequence[int]) -> int:
    """The code a run with these outcomes ends with; 0 for none."""
    return max(codes, key=SEVERITY.index, default=EXIT_OK)
