"""The values of a filter, dealt out to as many exports as it takes.

They go by their checksums, not by their places: a value that is added to a filter later moves no
other one to another export.
"""

from collections.abc import Sequence
from functools import lru_cache

from connector.sources.mytracker.boxes import Box, take
from connector.sources.mytracker.filters import MOST_VALUES

_MOST_DEALT = 64


def deal_values(box: Box, name: str, values: tuple[str, ...]) -> list[Box]:
    """The box in as many as it takes for a filter's values to fit; none of them without any."""
    counts = _count_values(box.share(name), values)
    pieces = box.deal(name, len(counts)) if len(counts) > 1 else [box]
    return [piece for piece, count in zip(pieces, counts, strict=True) if count]


@lru_cache(maxsize=64)  # all intervals of a table ask for the same
def _count_values(share: tuple[int, int], values: tuple[str, ...]) -> list[int]:
    """How many values fall into each part of a share, cut into as few as it takes."""
    (k, n), chosen = share, take(share, values)
    for factor in range(1, len(chosen) + 1):
        counts = [len(take((k + part * n, n * factor), chosen)) for part in range(factor)]
        if max(counts) <= MOST_VALUES:
            return counts
    return [0]


def halve_values(box: Box, name: str, values: Sequence[str]) -> list[Box]:
    """The box in few pieces with less values of a filter each; none where it has one value."""
    chosen = box.take(name, values)
    for factor in range(2, _MOST_DEALT + 1) if len(chosen) > 1 else ():
        pieces = [piece for piece in box.deal(name, factor) if piece.take(name, chosen)]
        if len(pieces) > 1:
            return pieces
    return []
