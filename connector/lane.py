"""One queue of a vendor: its units in order of urgency, and whether it goes on."""

from dataclasses import dataclass, field

from connector.api import Api
from connector.errors import (
    AuthError,
    ConnectorError,
    LossError,
    NetworkError,
    QuotaError,
    RateLimitError,
    ServerError,
)
from connector.units import Failure, Unit

OUTAGE_UNITS = 3  # so many units in a row without an answer: the vendor is down


@dataclass(slots=True)
class Lane:
    """One queue of a vendor: `waiting` is a heap of (urgency, try, unit). `pending` units were asked
    for and are not ready within the run's time; each takes one of the queue's places.
    """

    api: Api
    waiting: list[tuple[int, int, Unit]] = field(default_factory=list)
    pending: list[Unit] = field(default_factory=list)
    active: int = 0
    silent: int = 0
    stopped: ConnectorError | None = None
    threads: int = 0

    @property
    def is_open(self) -> bool:
        """True while it may start another unit."""
        has_place = self.active + len(self.pending) < self.api.parallel
        return bool(self.waiting) and has_place and self.stopped is None

    @property
    def is_idle(self) -> bool:
        """True when nothing is under way and nothing can start."""
        return self.active == 0 and not self.is_open

    def judge(self, unit: Unit, error: ConnectorError) -> Failure:
        """What a failed download means for its unit, and whether the lane goes on."""
        match error:
            case LossError():
                pass
            case AuthError() | QuotaError() | RateLimitError():
                self.stopped = error
            case NetworkError() | ServerError(is_retryable=True):
                self.silent += 1
                if self.silent >= OUTAGE_UNITS:
                    self.stopped = error
            case _ if type(error) is ConnectorError:
                self.stopped = error
        return Failure(unit, str(error), error.exit_code)
