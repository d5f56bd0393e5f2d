"""A consumer that does not move is found out, partition by partition, and begun anew; fake clock and Kafka objects."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from services.kit import consumers as consumers_module
from services.kit.consumers import Consumer
from services.kit.progress import STUCK_SECONDS, Progress, Stuck
from services.kit.service import Context
from services.kit.telemetry import metrics
from tests.kit.spine import consumer, consumers_that

ONE, TWO = TopicPartition("t", 0), TopicPartition("t", 1)


class FakeKafka:
    """Positions and ends by partition, as aiokafka's consumer tells them."""

    def __init__(self, **places: tuple[int | None, int | None]) -> None:
        self.places = {TopicPartition("t", int(name[1:])): place for name, place in places.items()}

    def assignment(self) -> set[TopicPartition]:
        return set(self.places)

    def highwater(self, partition: TopicPartition) -> int | None:
        return self.places[partition][1]

    async def position(self, partition: TopicPartition) -> int:
        position = self.places[partition][0]
        if position is None:
            raise ValueError("not known yet")
        return position


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def progress(clock: Clock) -> Progress:
    return Progress("lagging", clock)


def lags() -> dict[str, float]:
    return {
        sample.labels["partition"]: sample.value
        for sample in next(iter(metrics.consumer_lag.collect())).samples
        if sample.labels["service"] == "lagging"
    }


async def test_one_partition_that_does_not_move_is_trouble_though_another_does(
    progress: Progress, clock: Clock
) -> None:
    kafka = FakeKafka(p0=(5, 9), p1=(5, 9))
    await progress.measure(kafka)
    clock.now += STUCK_SECONDS + 1
    kafka.places[ONE] = (6, 10)
    await progress.measure(kafka)
    assert progress.trouble() == f"behind and not moving for {STUCK_SECONDS:.0f} s: t/1"
    kafka.places[TWO] = (9, 9)
    await progress.measure(kafka)
    assert progress.trouble() is None


async def test_a_partition_whose_position_is_never_known_is_trouble(progress: Progress, clock: Clock) -> None:
    kafka = FakeKafka(p0=(None, None))
    await progress.measure(kafka)
    clock.now += STUCK_SECONDS + 1
    await progress.measure(kafka)
    assert progress.trouble() is not None


async def test_who_has_read_everything_may_rest(progress: Progress, clock: Clock) -> None:
    kafka = FakeKafka(p0=(9, 9), p1=(3, None))
    for _ in range(3):
        await progress.measure(kafka)
        clock.now += STUCK_SECONDS + 1
    assert progress.trouble() is None


async def test_a_long_batch_is_well_as_long_as_its_events_come_on(progress: Progress, clock: Clock) -> None:
    kafka = FakeKafka(p0=(5, 9))
    await progress.measure(kafka)
    progress.took()
    for _ in range(5):
        clock.now += STUCK_SECONDS - 1
        progress.alive()
        await progress.measure(kafka)
        assert progress.trouble() is None
    clock.now += STUCK_SECONDS + 1
    assert progress.trouble() == f"no sign of life from the batch in hand for {STUCK_SECONDS:.0f} s"
    progress.done()
    assert progress.trouble() is None


async def test_lag_is_told_of_partitions_in_hand_only(progress: Progress) -> None:
    kafka = FakeKafka(p0=(5, 9), p1=(7, 8))
    await progress.measure(kafka)
    assert lags() == {"0": 4, "1": 1}
    del kafka.places[ONE]
    await progress.measure(kafka)
    assert lags() == {"1": 1}
    progress.end()
    assert lags() == {}


def _subscriber(kafka: Any, *tasks: Any) -> Any:
    return SimpleNamespace(consumer=kafka, tasks=list(tasks))


async def test_the_worker_ends_when_it_is_stuck(context: Context, clock: Clock) -> None:
    reader: Consumer = consumer(context, consumers_that())
    reader.progress = Progress("lagging", clock)
    reader._subscriber = _subscriber(FakeKafka(p0=(5, 9)))
    await reader.watch()
    clock.now += STUCK_SECONDS + 1
    with pytest.raises(Stuck, match="t/0"):
        await reader.watch()
    assert "t/0" in (await reader.health() or "")


async def test_the_worker_ends_when_its_last_reading_task_has(context: Context) -> None:
    reader: Consumer = consumer(context, consumers_that())
    ended, running = asyncio.get_running_loop().create_future(), asyncio.get_running_loop().create_future()
    ended.set_result(None)
    reader._subscriber = _subscriber(FakeKafka(), ended, running)  # FastStream began it anew
    await reader.watch()
    assert await reader.health() is None
    reader._subscriber = _subscriber(FakeKafka(), running, ended)
    with pytest.raises(Stuck, match="ended"):
        await reader.watch()


async def test_a_stuck_worker_lets_go_and_reads_on_when_begun_anew(
    wired: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers_module, "WATCH_SECONDS", 0.05)
    reader = consumer(wired, consumers_that())
    stuck = "not moving"
    monkeypatch.setattr(reader.progress, "trouble", lambda: stuck)
    with pytest.raises(ExceptionGroup) as caught:
        await asyncio.wait_for(reader.run(), 30)
    assert caught.group_contains(Stuck, match=stuck)
    assert await reader.health() == "not started"
