"""Whether a consumer moves: aiokafka has no signal of its own for one that is stuck.

Lag is measured for each partition. A partition that lags and does not move while nothing of a batch is in hand, or a
batch in hand that gives no sign of life, is trouble after STUCK_SECONDS: the worker is then begun anew.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any

from services.kit.telemetry import metrics

STUCK_SECONDS = 60.0


class Stuck(Exception):
    """A consumer does not move any more; says how."""


class Progress:
    """How far one consumer has come, partition by partition."""

    def __init__(self, service: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.service = service
        self._clock = clock
        self._in_hand = False
        self._alive = clock()
        self._positions: dict[Any, int | None] = {}
        self._since: dict[Any, float] = {}
        """Since when each partition lags (or has no position) without moving."""

    def took(self) -> None:
        """A batch is in hand."""
        self._in_hand = True
        self.alive()

    def alive(self) -> None:
        """The batch in hand came on by an event, or by a try of a database that is away."""
        self._alive = self._clock()

    def done(self) -> None:
        """Nothing is in hand any more: from now on it is the partitions that must move."""
        self._in_hand = False
        self._since = dict.fromkeys(self._since, self._clock())

    async def measure(self, kafka: Any) -> None:
        """Look at every partition that `kafka` (a consumer of aiokafka) is assigned; forget all others."""
        assigned = list(kafka.assignment())
        for partition in set(self._positions) - set(assigned):
            self._forget(partition)
        positions = await asyncio.gather(*(_position(kafka, partition) for partition in assigned))
        now = self._clock()
        for partition, position in zip(assigned, positions, strict=True):
            high = kafka.highwater(partition)
            lag = None if position is None or high is None else max(0, high - position)
            if lag is not None:
                metrics.consumer_lag.labels(*self._labels(partition)).set(lag)
            new = partition not in self._positions
            moved = new or self._positions[partition] != position
            self._positions[partition] = position
            if moved or (position is not None and not lag):
                self._since.pop(partition, None)
            if lag or position is None:
                self._since.setdefault(partition, now)

    def trouble(self) -> str | None:
        """None when well, else what does not move."""
        now = self._clock()
        if self._in_hand:
            still = now - self._alive > STUCK_SECONDS
            return f"no sign of life from the batch in hand for {STUCK_SECONDS:.0f} s" if still else None
        stuck = sorted(f"{p.topic}/{p.partition}" for p, since in self._since.items() if now - since > STUCK_SECONDS)
        return f"behind and not moving for {STUCK_SECONDS:.0f} s: {', '.join(stuck)}" if stuck else None

    def end(self) -> None:
        """The consumer ended: its lags are nobody's."""
        for partition in list(self._positions):
            self._forget(partition)
        self._in_hand = False

    def _forget(self, partition: Any) -> None:
        self._positions.pop(partition, None)
        self._since.pop(partition, None)
        metrics.consumer_lag.remove(*self._labels(partition))

    def _labels(self, partition: Any) -> tuple[str, str, str]:
        return self.service, partition.topic, str(partition.partition)


async def _position(kafka: Any, partition: Any) -> int | None:
    with contextlib.suppress(Exception):  # not known before the first fetch
        return int(await asyncio.wait_for(kafka.position(partition), 1))
    return None
