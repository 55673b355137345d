"""What a kind of fault is: its name, where it acts, its parameters, what it does."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Stage = Literal["answer", "window", "listing", "export"]


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One kind of fault; `params` are its parameters with their defaults.

    `choices` has the values of those that take only some; "" always means "as it is". `endpoint`
    is what it strikes unless told otherwise.
    """

    name: str
    stage: Stage
    params: Mapping[str, object]
    doc: str
    choices: Mapping[str, tuple[object, ...]] = field(default_factory=dict)
    endpoint: str = "data"
    times: int | None = None

    @property
    def default_times(self) -> int:
        """How often it strikes unless told otherwise; -1: until taken back."""
        if self.times is not None:
            return self.times
        return 1 if self.stage == "answer" else -1
