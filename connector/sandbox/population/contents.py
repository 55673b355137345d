"""The videos of the invented feed: ids, lengths, how often each one is shown; renditions; ads."""

from dataclasses import dataclass
from random import Random

_COUNT = 48
_SEED = 20_260_204


@dataclass(frozen=True, slots=True)
class Content:
    """One video; `duration_s` in seconds."""

    id: str
    duration_s: float


def _make_contents() -> tuple[Content, ...]:
    rng = Random(_SEED)
    return tuple(
        Content(f"cnt_{rng.getrandbits(40):010x}", round(rng.uniform(6, 42), 1))
        for _ in range(_COUNT)
    )


CONTENTS = _make_contents()
WEIGHTS = tuple(1 / (place + 4) for place in range(_COUNT))
RENDITIONS = (
    ("360p", 800_000),
    ("540p", 1_400_000),
    ("720p", 2_500_000),
    ("1080p", 5_000_000),
)
"""Names and bits per second, worst first."""

AD_NETWORKS = ("lanternfish", "orbitnet", "pebble")
PLAYBACK_ERRORS = (
    ("network", "NET_TIMEOUT", "segment 4 not loaded after 8000 ms"),
    ("decode", "DEC_-12909", 'frame "I" dropped, then\nstopped'),
    ("player", "PLY_21", "состояние: остановлен\u2028retry"),
)
"""Kind, code and message; the messages break naive readers."""

INTERACTIONS: tuple[tuple[str, object], ...] = (
    ("mute_toggle", True),
    ("caption_toggle", False),
    ("speed_change", 1.5),
    ("seek", {"from": 2.5, "to": 7}),
    ("fullscreen_toggle", None),
    ("pip_toggle", "on"),
)
