"""A sink that fails for 120 hours is switched off, and everybody who should know does."""

from datetime import timedelta
from typing import Any

import httpx
import orjson
import pytest
from sqlalchemy import select

from services.contracts.cases_events import CaseAccepted, CaseResubmitted, CaseSubmitted
from services.kit.service import Service
from services.notify import store
from services.notify.handlers import Work
from tests.kit.receiver import Call, Receiver, Reply
from tests.kit.test_deliveries import eventually
from tests.notify.conftest import LIN, OFFICER, PROMISED
from tests.notify.test_subscriptions import hooks, subscribe, until

pytestmark = pytest.mark.usefixtures("delivering")


async def broken(call: Call) -> Reply:
    return 503, {}


async def test_120_hours_without_a_success_disable_the_subscription(
    hear: Any, http: httpx.AsyncClient, unique: Any, notify: Service
) -> None:
    async def standing() -> dict[str, Any]:
        found: dict[str, Any] = (await http.get(path, headers=OFFICER)).json()
        return found

    async with Receiver() as receiver:
        path = f"/subscriptions/{(await subscribe(http, unique, receiver))['id']}"
        receiver.answer = broken
        first = await hear(CaseSubmitted, "c1", 1)
        failing = await eventually(standing, lambda found: found["failing_since"])
        assert failing["status"] == "active"
        clock = notify.context.clock
        notify.context.clock = lambda: clock() + timedelta(hours=120)
        try:
            ended = await eventually(standing, lambda found: found["status"] == "disabled")
        finally:
            notify.context.clock = clock
        assert (ended["reason"], ended["waiting"], ended["parked"]) == ("HTTP 503", 1, 0)
        table = store.TABLES.outbox
        async with Work(notify.context, readonly=True) as one:
            (row,) = (await one.execute(select(table.c.headers, table.c.value))).all()
        assert dict(orjson.loads(row.headers))["ce_type"] == "cn.tongban.notify.subscription-disabled.v1"
        assert orjson.loads(row.value)["cause"] == "HTTP 503"
        await hear(CaseAccepted, "c1", 2)
        assert (await standing())["waiting"] == 1, "nothing is queued for one that is switched off"
        receiver.answer = None
        receiver.calls.clear()
        assert (await http.patch(path, headers=OFFICER, json={"status": "active"})).json()["status"] == "active"
        await until(lambda: [call.headers["webhook-id"] for call in hooks(receiver)] == [first.id])


async def test_a_resubmission_is_told_to_both(hear: Any, http: httpx.AsyncClient, unique: Any) -> None:
    async with Receiver() as receiver:
        await subscribe(http, unique, receiver)
        event = await hear(CaseResubmitted, "c1", 3, status="submitted", due=PROMISED)
        await until(lambda: [call.headers["webhook-id"] for call in hooks(receiver)] == [event.id])
        body = orjson.loads(hooks(receiver)[0].body)
        assert (body["type"], body["data"]["due"]["working_days"]) == ("cn.tongban.cases.resubmitted.v1", 8)
        (message,) = (await http.get("/messages", headers=LIN)).json()["items"]
        assert (message["kind"], message["title"]) == ("resubmitted", "三级运动员称号授予补好的材料交上了")
