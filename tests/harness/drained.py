"""Whether a platform has nothing under way: every outbox is empty and every consumer group has read to the end."""

import asyncio
import re
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from services.contracts.topics import all_topics
from services.kit.settings import SERVICES
from tests.harness.platform import Platform

_OUTBOX = re.compile(r"^tongban_outbox_events\{[^}]*\} ([0-9.]+)$", re.MULTILINE)


async def drained(platform: Platform, seconds: float = 60.0) -> None:
    """Return when nothing is under way, seen twice: what moved between a look's two halves is seen by the next."""
    async with asyncio.timeout(seconds):
        quiet = 0
        while quiet < 2:
            empty = await asyncio.to_thread(_outboxes_empty, platform) and await _read_to_the_end(platform)
            quiet = quiet + 1 if empty else 0
            if not empty:
                await asyncio.sleep(0.2)


def _outboxes_empty(platform: Platform) -> bool:
    for name in SERVICES:
        found = _OUTBOX.findall(platform.management(name, "/metrics")[1])
        if not found or any(float(value) for value in found):
            return False
    return True


async def _read_to_the_end(platform: Platform) -> bool:
    admin = AIOKafkaAdminClient(bootstrap_servers=platform.kafka)
    reader = AIOKafkaConsumer(bootstrap_servers=platform.kafka)
    try:
        await admin.start()
        await reader.start()
        topics = all_topics().values()
        for group in {name for topic in topics for name in topic.consumers}:
            committed: dict[Any, Any] = await admin.list_consumer_group_offsets(group)
            if not committed:
                continue  # it reads without a group (the gateway)
            read = [topic for topic in topics if group in topic.consumers]
            partitions = [TopicPartition(topic.topic, n) for topic in read for n in range(topic.partitions)]
            for partition, end in (await reader.end_offsets(partitions)).items():
                if end > (committed[partition].offset if partition in committed else 0):
                    return False
        return True
    finally:
        await reader.stop()
        await admin.close()
