"""The devices of one app, living up to any moment asked for; what they did, in order."""

from collections.abc import Callable
from random import Random

from connector.sandbox.population.life import Life, World
from connector.sandbox.population.people import make_device
from connector.sandbox.population.records import Record

_DAY_S = 86_400
_CLICK_LEAD_S = 3 * _DAY_S
"""Devices are born this long before they install, because their click comes first."""

_RELEASES = ((-10_000, "2.3.0", "2300"), (-40, "2.4.0", "2410"), (-9, "2.4.1", "2417"))


class AppPopulation:
    """Deterministic in (`seed`, `app_id`, `since`): extending in steps changes nothing.

    `since` (unix seconds) is the first processing time that is kept; devices have been installing
    for `warmup_days` before it, `devices` of them by `since` + `history_days`. `emit` gets each
    record once, in no particular order; after `extend(t)` all records processed before t are out.
    """

    def __init__(
        self,
        seed: int,
        app_id: int,
        genre: str,
        *,
        since: int,
        devices: int,
        history_days: float,
        warmup_days: int,
        awkward_share: float,
        has_nul: bool,
        emit: Callable[[Record], None],
    ) -> None:
        self._seed = (seed << 40) ^ (app_id << 12)
        self._rng = Random(self._seed)
        self._emit = emit
        self._next_index = 0
        self._rate_per_s = devices / ((warmup_days + history_days) * _DAY_S)
        self._next_birth = since - warmup_days * _DAY_S
        self._lives: list[Life] = []
        releases = (*_RELEASES, (max(1.0, history_days * 0.6), "2.5.0", "2502"))
        self._world = World(
            genre=genre,
            since=since,
            versions=tuple((since + int(d * _DAY_S), v, b) for d, v, b in releases),
            awkward_share=awkward_share,
            has_nul=has_nul,
        )

    def extend(self, until: int) -> None:
        """Live on until `until` (unix seconds)."""
        if self._rate_per_s:
            self._give_birth(until + _CLICK_LEAD_S)
        for life in self._lives:
            life.advance(until)
        self._lives = [life for life in self._lives if life.next_at is not None]

    def _give_birth(self, until: int) -> None:
        while self._next_birth < until:
            rng = Random(self._seed ^ (self._next_index * 2_654_435_761))
            device = make_device(rng, self._next_index, self._next_birth)
            self._lives.append(Life(device, rng, self._world, self._emit))
            self._next_index += 1
            self._next_birth += 1 + int(self._rng.expovariate(self._rate_per_s))
