"""What happens around an asked sink and a rotated secret: nothing heard is lost, nothing is read unseen."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from standardwebhooks.webhooks import Webhook

from services.contracts.cases_events import CaseAccepted, CaseReviewed, CaseSubmitted
from services.kit.service import Service
from services.notify import store
from services.notify.handlers import Work
from tests.kit.receiver import Call, Receiver, Reply
from tests.notify.conftest import LIN, OFFICER, ORG
from tests.notify.test_subscriptions import hooks, subscribe, until

pytestmark = pytest.mark.usefixtures("delivering")
MINE = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="


async def records(work: Callable[[], Work]) -> list[tuple[str, str]]:
    table = store.TABLES.audit.audit
    async with Work(work().context, readonly=True) as one:
        rows = await one.execute(select(table.c.action, table.c.result).order_by(table.c.id))
    return [(row.action.removeprefix("subscription."), row.result) for row in rows]


def agreeing_after(step: Callable[[], Awaitable[object]]) -> Callable[[Call], Awaitable[Reply]]:
    """A sink that agrees, but not before `step` has happened."""

    async def answer(call: Call) -> Reply:
        if call.method == "OPTIONS":
            await step()
            return 200, {"webhook-allowed-origin": "*"}
        return 204, {}

    return answer


async def refusing(call: Call) -> Reply:
    return 404, {}


async def test_what_is_heard_while_a_new_sink_is_asked_arrives_there(
    hear: Any, http: httpx.AsyncClient, unique: Any
) -> None:
    async with Receiver() as old, Receiver(agreeing_after(lambda: hear(CaseAccepted, "c1", 2))) as new:
        path = f"/subscriptions/{(await subscribe(http, unique, old))['id']}"
        await hear(CaseSubmitted, "c1", 1)
        await until(lambda: len(hooks(old)) == 1)
        moved = (await http.patch(path, headers=OFFICER, json={"sink": new.url})).json()
        assert (moved["status"], moved["sink"]) == ("active", new.url)
        last = await hear(CaseReviewed, "c1", 3)
        await until(lambda: len(hooks(new)) == 2)
        assert hooks(new)[1].headers["webhook-id"] == last.id
        assert len(hooks(old)) == 1


async def test_what_is_heard_after_a_new_sink_refused_waits_for_the_next(
    hear: Any, http: httpx.AsyncClient, unique: Any
) -> None:
    async with Receiver() as sink, Receiver(refusing) as wrong:
        path = f"/subscriptions/{(await subscribe(http, unique, sink))['id']}"
        mistaken = (await http.patch(path, headers=OFFICER, json={"sink": wrong.url})).json()
        assert (mistaken["status"], mistaken["reason"]) == ("pending", "HTTP 404")
        event = await hear(CaseSubmitted, "c1", 1)
        back = (await http.patch(path, headers=OFFICER, json={"sink": sink.url})).json()
        assert (back["status"], back["reason"]) == ("active", None)
        await until(lambda: [call.headers["webhook-id"] for call in hooks(sink)] == [event.id])
        assert hooks(wrong) == []


@pytest.mark.parametrize("together", [True, False])
async def test_a_paused_one_stays_paused_at_its_new_sink(
    hear: Any, http: httpx.AsyncClient, unique: Any, together: bool
) -> None:
    async with Receiver() as old, Receiver() as new, Receiver(refusing) as wrong:
        path = f"/subscriptions/{(await subscribe(http, unique, old))['id']}"
        change: dict[str, Any] = {"status": "paused"}
        if not together:
            await http.patch(path, headers=OFFICER, json=change)
            assert (await http.patch(path, headers=OFFICER, json={"sink": wrong.url})).json()["status"] == "pending"
            change = {}
        moved = (await http.patch(path, headers=OFFICER, json={"sink": new.url, **change})).json()
        assert (moved["status"], moved["sink"]) == ("paused", new.url)
        await hear(CaseSubmitted, "c1", 1)
        assert (await http.get(path, headers=OFFICER)).json()["waiting"] == 1
        assert hooks(new) == []
        assert (await http.patch(path, headers=OFFICER, json={"status": "active"})).json()["status"] == "active"
        await until(lambda: len(hooks(new)) == 1)
        assert hooks(old) == []


async def test_asking_a_disabled_one_again_in_vain_leaves_it_disabled(
    hear: Any, http: httpx.AsyncClient, unique: Any, work: Any
) -> None:
    async def gone(call: Call) -> Reply:
        return 410, {}

    async with Receiver() as receiver:
        path = f"/subscriptions/{(await subscribe(http, unique, receiver))['id']}"
        receiver.answer = gone
        await hear(CaseSubmitted, "c1", 1)
        await until(lambda: len(hooks(receiver)) == 1)
        again: dict[str, Any] = {}
        while again.get("status") != "disabled":
            again = (await http.get(path, headers=OFFICER)).json()
        again = (await http.patch(path, headers=OFFICER, json={"status": "active"})).json()
        assert (again["status"], again["reason"]) == ("disabled", "HTTP 410")
        kept = [entry for entry in await records(work) if entry[0] != "read"]
        assert kept == [
            ("create", "done"),
            ("ask-sink", "agreed"),
            ("disable", "HTTP 410"),
            ("change", "done"),
            ("ask-sink", "HTTP 410"),
        ]


async def test_each_door_that_writes_leaves_its_record(
    hear: Any, http: httpx.AsyncClient, unique: Any, work: Any
) -> None:
    table = store.TABLES.audit.audit
    seen = 0

    async def leaves(*expected: str) -> None:
        nonlocal seen
        async with Work(work().context, readonly=True) as one:
            found = (await one.execute(select(table.c.action).order_by(table.c.id))).scalars().all()
        assert found[seen:] == list(expected)
        seen = len(found)

    async with Receiver() as receiver:
        path = f"/subscriptions/{(await subscribe(http, unique, receiver))['id']}"
        await leaves("subscription.create", "subscription.ask-sink")
        await hear(CaseSubmitted, "c1", 1)
        await until(lambda: len(hooks(receiver)) == 1)
        message = (await http.get("/messages", headers=LIN)).json()["items"][0]["id"]
        await leaves()
        for method, address, caller, body, record in (
            ("PATCH", path, OFFICER, {"status": "paused"}, "subscription.change"),
            ("POST", f"{path}/secrets", OFFICER, {}, "subscription.rotate-secret"),
            ("POST", f"{path}/redeliveries", OFFICER, {"delivery_id": 1}, "subscription.redeliver"),
            ("DELETE", path, OFFICER, None, "subscription.remove"),
            ("POST", f"/messages/{message}/read", LIN, None, "message.read"),
            ("PUT", "/preferences", LIN, {"language": "en"}, "preferences.change"),
        ):
            answer = await http.request(method, address, headers=caller | unique(), json=body)
            assert answer.is_success, answer.text
            await leaves(record)


async def test_an_emergency_rotation_ends_every_secret_before_it(
    hear: Any, http: httpx.AsyncClient, unique: Any, notify: Service
) -> None:
    async with Receiver() as receiver:
        path = f"/subscriptions/{(await subscribe(http, unique, receiver))['id']}/secrets"
        await http.post(path, headers=OFFICER | unique(), json={"overlap_hours": 168})
        last = (await http.post(path, headers=OFFICER | unique(), json={"overlap_hours": 0})).json()["secret"]
        clock = notify.context.clock
        notify.context.clock = lambda: clock() + timedelta(seconds=1)
        await hear(CaseSubmitted, "c1", 1)
        await until(lambda: len(hooks(receiver)) == 1)
        call = hooks(receiver)[0]
        assert len(call.headers["webhook-signature"].split()) == 1
        Webhook(last).verify(call.body, call.headers)


async def test_a_creation_told_again_gives_its_own_secret_and_is_recorded(
    http: httpx.AsyncClient, unique: Any, work: Any, notify: Service
) -> None:
    async with Receiver() as receiver:
        body, key = {"organisation": ORG, "sink": receiver.url}, unique()
        first = (await http.post("/subscriptions", headers=OFFICER | key, json=body)).json()
        path = f"/subscriptions/{first['id']}/secrets"
        rotation = unique()
        await http.post(path, headers=OFFICER | rotation, json={"overlap_hours": 0})
        again = (await http.post("/subscriptions", headers=OFFICER | key, json=body)).json()
        assert again["secret"] == first["secret"]
        assert (await records(work))[-1] == ("read-secret", "done")
        assert (await http.post(path, headers=OFFICER | rotation, json={"overlap_hours": 0})).status_code == 201
        assert (await records(work))[-2:] == [("read-secret", "done")] * 2
        clock = notify.context.clock
        notify.context.clock = lambda: clock() + timedelta(seconds=1)
        await http.post(path, headers=OFFICER | unique(), json={"overlap_hours": 0})
        gone = await http.post("/subscriptions", headers=OFFICER | key, json=body)
        assert (gone.status_code, gone.json()["type"]) == (409, "urn:tongban:problem:secret-gone")


async def test_another_brought_secret_is_another_request(http: httpx.AsyncClient, unique: Any) -> None:
    async with Receiver() as receiver:
        body, key = {"organisation": ORG, "sink": receiver.url, "secret": MINE}, unique()
        made = (await http.post("/subscriptions", headers=OFFICER | key, json=body)).json()
        other = MINE.replace("QUJD", "WFla")
        answers = [await http.post("/subscriptions", headers=OFFICER | key, json=body | {"secret": other})]
        path, key = f"/subscriptions/{made['id']}/secrets", unique()
        assert (await http.post(path, headers=OFFICER | key, json={"secret": other})).json()["secret"] == other
        answers.append(await http.post(path, headers=OFFICER | key, json={"secret": MINE}))
        assert [answer.json()["type"] for answer in answers] == ["urn:tongban:problem:idempotency-key-reused"] * 2
