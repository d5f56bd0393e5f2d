"""The whole way through notify on real Kafka: event on the topic → inbox message and webhook → notify.deliveries."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from services.contracts.cases_events import CaseAccepted, CaseDecided, CaseEvent, CaseSubmitted
from services.contracts.topics import NOTIFY_DELIVERIES
from services.kit import broker
from services.kit.service import Service
from tests.kit.receiver import Receiver
from tests.notify.conftest import LIN, OFFICER, ORG, case_event


@pytest.fixture
def given(given: dict[str, Any], kafka: str, topic_prefix: str) -> dict[str, Any]:
    return given | {"kafka": kafka, "topic_prefix": topic_prefix}


async def test_an_event_becomes_a_message_a_webhook_and_a_report(
    notify: Service, http: httpx.AsyncClient, unique: Any, work: Any
) -> None:
    await broker.apply_topics(notify.context.settings)
    reports = await broker.live_consumer(notify.context.settings, [NOTIFY_DELIVERIES])
    running = [asyncio.create_task(worker.run()) for worker in notify.workers]
    try:
        async with Receiver() as receiver:
            made = await http.post(
                "/subscriptions", headers=OFFICER | unique(), json={"organisation": ORG, "sink": receiver.url}
            )
            assert made.json()["status"] == "active"
            receiver.calls.clear()
            steps: list[type[CaseEvent]] = [CaseSubmitted, CaseAccepted, CaseDecided]
            sent = [case_event(step, "c1", version) for version, step in enumerate(steps, start=1)]
            async with work() as one:
                for event in (*sent, sent[0]):  # the first one twice: a relay that was killed sends again
                    one.publish(event)
            async with asyncio.timeout(30):
                while len(receiver.calls) < 3:  # noqa: ASYNC110 - a receiver's list tells nobody when it grows
                    await asyncio.sleep(0.02)
                told = [json.loads(record.value) async for record in _first(reports, 3)]
            assert [json.loads(call.body)["id"] for call in receiver.calls] == [event.id for event in sent]
            assert [report["event_id"] for report in told] == [event.id for event in sent]
            assert {report["subscription_id"] for report in told} == {made.json()["id"]}
        messages = (await http.get("/messages", headers=LIN)).json()["items"]
        assert [message["id"] for message in messages] == [event.id for event in reversed(sent)]
        assert [await worker.health() for worker in notify.workers] == [None] * len(running)
        assert not any(task.done() for task in running)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await reports.stop()


async def _first(consumer: Any, count: int) -> Any:
    for _ in range(count):
        yield await consumer.getone()
