"""Departments' subscriptions over HTTP, and the webhooks that a real receiver gets."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest
from sqlalchemy import select
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from services.contracts.cases_events import CaseAccepted, CaseDecided, CaseReviewed, CaseSubmitted
from services.notify import store
from services.notify.handlers import Work
from tests.kit.receiver import Call, Receiver, Reply
from tests.notify.conftest import CLERK, DEPARTMENT, LIN, OFFICER, ORG, OTHER_ORG, STRANGER

pytestmark = pytest.mark.usefixtures("delivering")


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - a receiver's list tells nobody when it grows
            await asyncio.sleep(0.01)


def hooks(receiver: Receiver) -> list[Call]:
    """What came beside handshakes and pings."""
    return [
        call
        for call in receiver.calls
        if call.method == "POST" and json.loads(call.body)["type"] != "cn.tongban.notify.ping.v1"
    ]


async def subscribe(http: httpx.AsyncClient, unique: Any, receiver: Receiver, **given: Any) -> dict[str, Any]:
    body = {"organisation": ORG, "sink": receiver.url} | given
    answer = await http.post("/subscriptions", headers=OFFICER | unique(), json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_each_event_arrives_signed_as_a_structured_cloudevent(
    hear: Any, http: httpx.AsyncClient, unique: Any, work: Any
) -> None:
    async with Receiver() as receiver:
        made = await subscribe(http, unique, receiver)
        assert made["status"] == "active" and made["secret"].startswith("whsec_")
        assert [call.method for call in receiver.calls] == ["OPTIONS", "POST"]
        assert receiver.calls[0].headers["webhook-request-origin"] == "localhost"
        Webhook(made["secret"]).verify(receiver.calls[1].body, receiver.calls[1].headers)
        sent = [await hear(step, "c1", n) for n, step in enumerate((CaseSubmitted, CaseAccepted, CaseDecided), start=1)]
        await hear(CaseSubmitted, "c2", 1, organisation={"id": OTHER_ORG, "name": {"zh": "区司法局"}})
        await until(lambda: len(hooks(receiver)) == 3)
        await asyncio.sleep(0.2)
        got = hooks(receiver)
        assert [call.headers["webhook-id"] for call in got] == [event.id for event in sent]
        for call, event in zip(got, sent, strict=True):
            assert call.headers["content-type"] == "application/cloudevents+json"
            assert Webhook(made["secret"]).verify(call.body, call.headers) == orjson.loads(
                orjson.dumps(event.structured())
            )
            with pytest.raises(WebhookVerificationError):
                Webhook(made["secret"]).verify(call.body + b" ", call.headers)
        async with work() as one:
            rows = (await one.execute(select(store.SECRETS.c.secret))).scalars().all()
            published = (await one.execute(select(store.TABLES.outbox.c.headers))).scalars().all()
        assert rows and all(made["secret"].encode() not in row for row in rows)
        versions = [dict(orjson.loads(row))["ce_aggregateversion"] for row in published]
        assert versions == ["1", "2", "3"]


async def test_a_second_subscription_gets_only_what_it_asked_for(
    hear: Any, http: httpx.AsyncClient, unique: Any
) -> None:
    async with Receiver() as everything, Receiver() as decided, Receiver() as mine:
        await subscribe(http, unique, everything)
        await subscribe(http, unique, decided, types=["cn.tongban.cases.decided.v1"])
        filters = [
            {"any": [{"prefix": {"subject": "c1"}}, {"suffix": {"type": "nothing"}}]},
            {"not": {"exact": {"aggregateversion": "1"}}},
        ]
        await subscribe(http, unique, mine, filters=filters)
        for case in ("c1", "c2"):
            for version, step in enumerate((CaseSubmitted, CaseReviewed, CaseDecided), start=1):
                await hear(step, case, version)
        await until(lambda: len(hooks(everything)) == 6 and len(hooks(mine)) == 2 and len(hooks(decided)) == 2)
        await asyncio.sleep(0.2)
        assert len(hooks(everything)) == 6
        assert {json.loads(call.body)["type"] for call in hooks(decided)} == {"cn.tongban.cases.decided.v1"}
        got = [json.loads(call.body) for call in hooks(mine)]
        assert [(one["subject"], one["aggregateversion"]) for one in got] == [("c1", 2), ("c1", 3)]


async def test_a_sink_that_was_down_gets_all_in_order_for_each_case(
    hear: Any, http: httpx.AsyncClient, unique: Any
) -> None:
    receiver = Receiver()
    await receiver.start()
    made = await subscribe(http, unique, receiver)
    await receiver.stop()
    for version, step in enumerate((CaseSubmitted, CaseAccepted, CaseReviewed, CaseDecided), start=1):
        for case in ("c1", "c2"):
            await hear(step, case, version)
    await asyncio.sleep(0.6)
    standing = (await http.get(f"/subscriptions/{made['id']}", headers=OFFICER)).json()
    assert standing["waiting"] == 8 and standing["failing_since"] and standing["status"] == "active"
    await receiver.start()
    await until(lambda: len(hooks(receiver)) == 8)
    for case in ("c1", "c2"):
        got = [json.loads(call.body) for call in hooks(receiver)]
        assert [one["aggregateversion"] for one in got if one["subject"] == case] == [1, 2, 3, 4]
    attempts = (await http.get(f"/subscriptions/{made['id']}/attempts", headers=OFFICER, params={"limit": 100})).json()
    assert {"connect", ""} <= {one["cause"] for one in attempts["items"]}
    await receiver.stop()


async def test_pause_lets_events_wait_and_resume_sends_them(hear: Any, http: httpx.AsyncClient, unique: Any) -> None:
    async with Receiver() as receiver:
        path = f"/subscriptions/{(await subscribe(http, unique, receiver))['id']}"
        paused = await http.patch(path, headers=OFFICER, json={"status": "paused"})
        assert paused.json()["status"] == "paused"
        await hear(CaseSubmitted, "c1", 1)
        await hear(CaseAccepted, "c1", 2)
        await asyncio.sleep(0.3)
        assert hooks(receiver) == []
        assert (await http.get(path, headers=OFFICER)).json()["waiting"] == 2
        resumed = await http.patch(path, headers=OFFICER, json={"status": "active"})
        assert resumed.json()["status"] == "active"
        await until(lambda: len(hooks(receiver)) == 2)


async def test_a_secret_rotates_with_an_overlap(hear: Any, http: httpx.AsyncClient, unique: Any, notify: Any) -> None:
    async with Receiver() as receiver:
        made = await subscribe(http, unique, receiver)
        path = f"/subscriptions/{made['id']}/secrets"
        key = unique()
        rotated = await http.post(path, headers=OFFICER | key, json={"overlap_hours": 2})
        assert rotated.status_code == 201
        again = await http.post(path, headers=OFFICER | key, json={"overlap_hours": 2})
        assert again.json() == rotated.json()
        new = rotated.json()["secret"]
        assert new != made["secret"]
        await hear(CaseSubmitted, "c1", 1)
        await until(lambda: len(hooks(receiver)) == 1)
        call = hooks(receiver)[0]
        assert len(call.headers["webhook-signature"].split()) == 2
        for secret in (made["secret"], new):
            Webhook(secret).verify(call.body, call.headers)
        clock = notify.context.clock
        notify.context.clock = lambda: clock() + timedelta(hours=3)
        try:
            await hear(CaseAccepted, "c1", 2)
            await until(lambda: len(hooks(receiver)) == 2)
        finally:
            notify.context.clock = clock
        assert len(hooks(receiver)[1].headers["webhook-signature"].split()) == 1


async def test_a_sink_that_does_not_agree_gets_nothing_until_it_does(
    hear: Any, http: httpx.AsyncClient, unique: Any
) -> None:
    async def shy(call: Call) -> Reply:
        return 404, {}

    async def handshake(call: Call) -> Reply:
        if call.method == "OPTIONS":
            return 200, {"webhook-allowed-origin": call.headers["webhook-request-origin"]}
        return 204, {}

    async with Receiver(shy) as receiver:
        made = await subscribe(http, unique, receiver)
        assert (made["status"], made["reason"]) == ("pending", "HTTP 404")
        path = f"/subscriptions/{made['id']}"
        await hear(CaseSubmitted, "c1", 1)
        assert (await http.patch(path, headers=OFFICER, json={"status": "paused"})).status_code == 409
        assert (await http.patch(path, headers=OFFICER, json={"status": "active"})).json()["status"] == "pending"
        receiver.answer = handshake
        receiver.calls.clear()
        agreed = (await http.patch(path, headers=OFFICER, json={"status": "active"})).json()
        assert (agreed["status"], agreed["reason"]) == ("active", None)
        assert [call.method for call in receiver.calls] == ["OPTIONS"]
        second = await hear(CaseAccepted, "c1", 2)
        await until(lambda: len(hooks(receiver)) == 1)
        assert hooks(receiver)[0].headers["webhook-id"] == second.id
        # A new sink is asked again, and gets nothing before it agrees.
        async with Receiver(shy) as other:
            moved = (await http.patch(path, headers=OFFICER, json={"sink": other.url})).json()
            assert (moved["status"], moved["sink"]) == ("pending", other.url)
            await hear(CaseDecided, "c1", 3)
            await asyncio.sleep(0.2)
            assert hooks(other) == []


async def test_410_disables_and_asking_again_revives(
    hear: Any, http: httpx.AsyncClient, unique: Any, work: Any
) -> None:
    async def gone(call: Call) -> Reply:
        return 410, {}

    async with Receiver() as receiver:
        made = await subscribe(http, unique, receiver)
        path = f"/subscriptions/{made['id']}"
        receiver.answer = gone
        first = await hear(CaseSubmitted, "c1", 1)
        async with asyncio.timeout(10):
            while (await http.get(path, headers=OFFICER)).json()["status"] != "disabled":  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert (await http.get(path, headers=OFFICER)).json()["reason"] == "HTTP 410"
        async with work() as one:
            headers = (await one.execute(select(store.TABLES.outbox.c.headers))).scalars().all()
        assert [dict(orjson.loads(row))["ce_type"] for row in headers] == ["cn.tongban.notify.subscription-disabled.v1"]
        receiver.answer = None
        receiver.calls.clear()
        assert (await http.patch(path, headers=OFFICER, json={"status": "active"})).json()["status"] == "active"
        await until(lambda: [call.headers["webhook-id"] for call in hooks(receiver)] == [first.id])


async def test_redelivery_by_id_and_by_time(hear: Any, http: httpx.AsyncClient, unique: Any) -> None:
    async with Receiver() as receiver:
        made = await subscribe(http, unique, receiver)
        other = await subscribe(http, unique, receiver, types=["cn.tongban.cases.withdrawn.v1"])
        path = f"/subscriptions/{made['id']}"
        sent = [await hear(CaseSubmitted, "c1", 1), await hear(CaseAccepted, "c1", 2)]
        await until(lambda: len(hooks(receiver)) == 2)
        await asyncio.sleep(0.2)
        attempts = (await http.get(f"{path}/attempts", headers=OFFICER)).json()["items"]
        assert [(one["event_id"], one["status"], one["cause"], one["delivery_state"]) for one in attempts] == [
            (event.id, 204, "", "delivered") for event in reversed(sent)
        ]
        delivery = attempts[0]["delivery_id"]
        again = await http.post(f"{path}/redeliveries", headers=OFFICER, json={"delivery_id": delivery})
        assert (again.status_code, again.json()) == (202, {"count": 1})
        await until(lambda: len(hooks(receiver)) == 3)
        assert hooks(receiver)[2].headers["webhook-id"] == sent[1].id
        await asyncio.sleep(0.2)
        now = datetime.now(UTC)
        span = {"from": (now - timedelta(hours=1)).isoformat(), "to": (now + timedelta(hours=1)).isoformat()}
        assert (await http.post(f"{path}/redeliveries", headers=OFFICER, json=span)).json() == {"count": 2}
        await until(lambda: len(hooks(receiver)) == 5)
        backwards = {"from": span["to"], "to": span["from"]}
        assert (await http.post(f"{path}/redeliveries", headers=OFFICER, json=backwards)).json() == {"count": 0}
        wrong = await http.post(
            f"/subscriptions/{other['id']}/redeliveries", headers=OFFICER, json={"delivery_id": delivery}
        )
        assert wrong.status_code == 404
        for body in ({}, {"delivery_id": 1, **span}, {"from": span["from"]},
                     {"from": "2026-01-01T00:00:00", "to": "2026-01-02T00:00:00"}):  # fmt: skip
            assert (await http.post(f"{path}/redeliveries", headers=OFFICER, json=body)).status_code == 422


async def test_who_may_and_what_others_see(http: httpx.AsyncClient, unique: Any) -> None:
    async with Receiver() as receiver:
        made = await subscribe(http, unique, receiver)
        path = f"/subscriptions/{made['id']}"
        body = {"organisation": ORG, "sink": receiver.url}
        for caller in (LIN, CLERK):
            assert (await http.get("/subscriptions", headers=caller)).status_code == 403
            assert (await http.post("/subscriptions", headers=caller | unique(), json=body)).status_code == 403
            assert (await http.get(path, headers=caller)).status_code == 403
        assert (await http.get(path)).status_code == 401
        # Another organisation's integrator, and one who asks for more than they have.
        assert (await http.post("/subscriptions", headers=STRANGER | unique(), json=body)).status_code == 403
        everything = body | {"organisation": "*"}
        assert (await http.post("/subscriptions", headers=OFFICER | unique(), json=everything)).status_code == 403
        assert (await http.get("/subscriptions", headers=STRANGER)).json()["items"] == []
        for method, suffix, content in (
            ("GET", "", None), ("PATCH", "", {"status": "paused"}), ("DELETE", "", None), ("GET", "/attempts", None),
            ("POST", "/secrets", {}), ("POST", "/redeliveries", {"delivery_id": 1}),
        ):  # fmt: skip
            answer = await http.request(method, path + suffix, headers=STRANGER | unique(), json=content)
            assert answer.status_code == 404, (method, suffix)
        # A department's own client holds the role by grant; it may name one organisation or all.
        answer = await http.post("/subscriptions", headers=DEPARTMENT | unique(), json=everything)
        assert answer.status_code == 201 and answer.json()["organisation"] == "*"
        assert len((await http.get("/subscriptions", headers=DEPARTMENT)).json()["items"]) == 2
        listed = (await http.get("/subscriptions", headers=OFFICER)).json()["items"]
        assert [one["id"] for one in listed] == [made["id"]] and "secret" not in listed[0]
        assert (await http.delete(path, headers=OFFICER)).status_code == 204
        assert (await http.get(path, headers=OFFICER)).status_code == 404


async def test_the_same_key_makes_one_subscription(http: httpx.AsyncClient, unique: Any) -> None:
    async with Receiver() as receiver:
        body, key = {"organisation": ORG, "sink": receiver.url}, unique()
        first = await http.post("/subscriptions", headers=OFFICER | key, json=body)
        second = await http.post("/subscriptions", headers=OFFICER | key, json=body)
        assert second.status_code == 201 and second.json() == first.json()
        other = await http.post(
            "/subscriptions", headers=OFFICER | key, json=body | {"types": []} | {"organisation": "*"}
        )
        assert other.status_code == 403
        filtered = body | {"filters": [{"exact": {"subject": "c1"}}]}
        assert (await http.post("/subscriptions", headers=OFFICER | key, json=filtered)).status_code == 422
        assert (await http.post("/subscriptions", headers=OFFICER, json=body)).status_code == 400
        assert len((await http.get("/subscriptions", headers=OFFICER)).json()["items"]) == 1


async def test_two_at_once_make_one_too(http: httpx.AsyncClient, unique: Any) -> None:
    async with Receiver() as receiver:
        body, key = {"organisation": ORG, "sink": receiver.url}, unique()
        made = await asyncio.gather(*(http.post("/subscriptions", headers=OFFICER | key, json=body) for _ in range(4)))
        assert {answer.status_code for answer in made} == {201}
        assert len({answer.json()["id"] for answer in made}) == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"sink": "ftp://example.org/x"}, "sink"),
        ({"sink": "https://user:pw@example.org/"}, "sink"),
        ({"sink": "https://"}, "sink"),
        ({"sink": "https://exa mple.org"}, "sink"),
        ({"sink": "http://10.0.0.1/hook"}, "sink"),
        ({"sink": "https://169.254.169.254/latest"}, "sink"),
        ({"sink": "https://[::ffff:10.0.0.1]/"}, "sink"),
        ({"types": ["cn.tongban.cases.nothing.v1"]}, "types.0"),
        ({"filters": [{"sql": "1=1"}]}, "filters.0"),
        ({"filters": [{"exact": {}}]}, "filters.0"),
        ({"filters": [{"exact": {"type": "a"}, "prefix": {"type": "a"}}]}, "filters.0"),
        ({"filters": [{"not": {"not": {"not": {"not": {"not": {"exact": {"id": "1"}}}}}}}]}, "filters"),
        ({"secret": "whsec_c2hvcnQ="}, "secret"),
        ({"protocol": "KAFKA"}, "protocol"),
        ({"protocolsettings": {"max_in_flight": 1000}}, "protocolsettings.max_in_flight"),
        ({"unknown": 1}, "unknown"),
        ({"organisation": ""}, "organisation"),
    ],
)
async def test_what_is_wrong_is_named(http: httpx.AsyncClient, unique: Any, change: dict[str, Any], field: str) -> None:
    body = {"organisation": ORG, "sink": "http://127.0.0.1:9/hook"} | change
    answer = await http.post("/subscriptions", headers=OFFICER | unique(), json=body)
    assert answer.status_code == 422, answer.text
    assert any(problem["field"].startswith(field) for problem in answer.json()["errors"]), answer.text
    assert (await http.get("/subscriptions", headers=OFFICER)).json()["items"] == []


async def test_a_brought_secret_signs(hear: Any, http: httpx.AsyncClient, unique: Any) -> None:
    mine = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="
    async with Receiver() as receiver:
        made = await subscribe(http, unique, receiver, secret=mine)
        assert made["secret"] == mine
        await hear(CaseSubmitted, "c1", 1)
        await until(lambda: len(hooks(receiver)) == 1)
        Webhook(mine).verify(hooks(receiver)[0].body, hooks(receiver)[0].headers)


async def test_removed_means_gone_with_all_that_waits(
    hear: Any, http: httpx.AsyncClient, unique: Any, work: Any
) -> None:
    async with Receiver() as receiver:
        made = await subscribe(http, unique, receiver)
        path = f"/subscriptions/{made['id']}"
        await http.patch(path, headers=OFFICER, json={"status": "paused"})
        await hear(CaseSubmitted, "c1", 1)
        assert (await http.delete(path, headers=OFFICER)).status_code == 204
        tables = store.TABLES.deliveries
        assert tables is not None
        async with Work(work().context, readonly=True) as one:
            for table in (store.SUBSCRIPTIONS, store.SECRETS, tables.endpoints, tables.deliveries):
                assert (await one.execute(select(table))).all() == []
            actions = (await one.execute(select(store.TABLES.audit.audit.c.action))).scalars().all()
        assert actions == [f"subscription.{done}" for done in ("create", "ask-sink", "change", "remove")]
