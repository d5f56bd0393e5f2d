"""A citizen and a department who use the services' HTTP with tokens of their own, while things break around them."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import httpx
from joserfc.jwk import ECKey

from tests.harness.drained import drained
from tests.harness.platform import Platform
from tests.identity.party import Browser, Party
from tests.kit.receiver import Call, Receiver, Reply

ITEM = "失业登记"
ANSWERS = {
    "name": "林晓梅",
    "phone": "13800000000",
    "reason": "contract",
    "since": "2026-10-01",
    "help": "training",
}


STEPS = ("submitted", "withdrawn")
"""What every case of these tests goes through, in this order."""
REASON = "我要搬去凤凰路 88 号"


class _LocalParty(Party):
    issuer: str = ""

    def assertion(self, *, key: Any = None, header: dict[str, Any] | None = None, **claims: Any) -> str:
        return super().assertion(key=key, header=header, **({"aud": self.issuer} | claims))


def _cookie_hooks() -> dict[str, list[Any]]:
    """Cookies as browsers keep them on http://localhost, Secure ones too (Python sends those to https)."""
    kept: dict[str, str] = {}

    async def send(request: httpx.Request) -> None:
        if kept:
            request.headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in kept.items())

    async def keep(response: httpx.Response) -> None:
        for header in response.headers.get_list("set-cookie"):
            kept.update({name: morsel.value for name, morsel in SimpleCookie(header).items()})

    return {"request": [send], "response": [keep]}


@dataclass
class Person:
    """Somebody signed in through a surface's client; tokens by service."""

    platform: Platform
    user: str
    client: str = "portal"
    tokens: dict[str, str] = field(default_factory=dict)
    http: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(timeout=15))

    async def sign_in(self) -> "Person":
        """Sign in and fetch a token for cases and one for notify."""
        issuer = self.platform.url("identity")
        origin = self.platform.url(self.client).rstrip("/")
        key_file = self.platform.data_dir / "secrets" / f"{self.client}.jwk"
        key = ECKey.import_key(json.loads(await asyncio.to_thread(Path.read_text, key_file)))
        async with httpx.AsyncClient(base_url=issuer, event_hooks=_cookie_hooks(), timeout=60) as http:
            party = _LocalParty(self.client, key, http, f"{origin}/signin/callback")
            party.issuer = issuer.rstrip("/")
            resources = [f"urn:tongban:{name}" for name in ("cases", "notify", "catalog")]
            answer = await Browser(http).sign_in(party, self.user, self.platform.password, resource=resources)
            assert answer.status_code == 303, answer.text
            code = httpx.URL(answer.headers["location"]).params["code"]
            found = (await party.redeem(code, resource=resources[0])).json()
            for name, resource in zip(("cases", "notify", "catalog"), resources, strict=True):
                if name != "cases":
                    found = (await party.refresh(found["refresh_token"], resource=resource)).json()
                self.tokens[name] = found["access_token"]
        return self

    async def call(self, service: str, method: str, path: str, **given: Any) -> httpx.Response:
        """One request to a service with this person's token."""
        headers = {"Authorization": f"Bearer {self.tokens[service]}"} | given.pop("headers", {})
        return await self.http.request(method, f"{self.platform.url(service)}{path}", headers=headers, **given)

    async def item_code(self, name: str = ITEM) -> str:
        """The code of an item by its name."""
        answer = await self.call("catalog", "GET", "/items", params={"q": name})
        return str(next(item["code"] for item in answer.json()["items"] if item["name"]["zh"] == name))

    async def submit(self, code: str, key: str | None = None, seconds: float = 90, **headers: str) -> str:
        """Hand a case in, again with the same key until it is acknowledged; the case's id."""
        key = key or secrets.token_hex(8)
        body = {"item_code": code, "answers": ANSWERS}
        headers = {"Idempotency-Key": key} | headers
        # An item may not have reached the cases service yet.
        answer = await self._until_taken(seconds, (201,), "/cases", body, headers, again=(404,))
        return str(answer.json()["id"])

    async def withdraw(self, case: str, seconds: float = 90) -> str:
        """Take a case back, again until it is; its id. A conflict tells that the answer to a first time was lost."""
        await self._until_taken(seconds, (200, 409), f"/cases/{case}/withdrawal", {"reason": REASON}, {})
        return case

    async def go_through(self, code: str) -> str:
        """A case's whole life here: every one of STEPS, acknowledged; its id."""
        return await self.withdraw(await self.submit(code))

    async def _until_taken(
        self,
        seconds: float,
        wanted: Iterable[int],
        path: str,
        body: dict[str, Any],
        headers: dict[str, str],
        again: Iterable[int] = (),
    ) -> httpx.Response:
        async with asyncio.timeout(seconds):
            while True:
                try:
                    answer = await self.call("cases", "POST", path, json=body, headers=headers)
                    if answer.status_code in wanted:
                        return answer
                    assert answer.status_code in (503, *again), answer.text  # the service may just be away
                except httpx.HTTPError:
                    pass
                await asyncio.sleep(0.1)

    async def messages(self) -> list[dict[str, Any]]:
        """Every message of the inbox."""
        found: list[dict[str, Any]] = []
        cursor = None
        while True:
            answer = await self.call(
                "notify", "GET", "/messages", params={"limit": 100} | ({"cursor": cursor} if cursor else {})
            )
            answer.raise_for_status()
            found += answer.json()["items"]
            cursor = answer.json()["next"]
            if cursor is None:
                return found

    async def told_of(self, cases: set[str], steps: tuple[str, ...] = STEPS, seconds: float = 90) -> None:
        """The inbox comes to tell of each of `cases` step by step; nothing is doubled once nothing is on its way."""
        wanted = {case: list(steps) for case in cases}
        async with asyncio.timeout(seconds):
            told = await self._told(cases)
            while any(set(steps) - set(told.get(case, ())) for case in cases):
                await asyncio.sleep(0.2)
                told = await self._told(cases)
            await drained(self.platform)
            # Only now can no second copy of an event come any more.
            assert await self._told(cases) == wanted, "a message came twice or out of order"

    async def _told(self, cases: set[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        try:
            for message in reversed(await self.messages()):  # they are listed newest first
                if message["case_id"] in cases:
                    found.setdefault(message["case_id"], []).append(message["kind"])
        except httpx.HTTPError:
            return {}
        return found


@dataclass
class Department:
    """A department's system that is sent every event of every case."""

    receiver: Receiver

    def events(self, case: str) -> list[dict[str, Any]]:
        """The events of one case in order of arrival."""
        found = [json.loads(call.body) for call in self.receiver.calls if call.method == "POST"]
        return [event for event in found if event["subject"] == case]

    async def heard(self, cases: set[str], steps: tuple[str, ...] = STEPS, seconds: float = 120) -> None:
        """Each of `cases` arrives step by step. A step may come again (at least once), never after a later one."""
        types = [f"cn.tongban.cases.{step}.v1" for step in steps]
        async with asyncio.timeout(seconds):
            while any(len({e["id"] for e in self.events(case)}) < len(steps) for case in cases):  # noqa: ASYNC110 (filled by the receiver)
                await asyncio.sleep(0.1)
        for case in cases:
            came = self.events(case)
            versions = [int(event["aggregateversion"]) for event in came]
            assert versions == sorted(versions), f"{case} came out of order: {versions}"
            assert list({event["id"]: event["type"] for event in came}.values()) == types


@asynccontextmanager
async def department(platform: Platform) -> AsyncIterator[Department]:
    """A department that has just subscribed to the events of every organisation's cases."""
    officer = await Person(platform, "officer", "desk").sign_in()
    async with Receiver(_agree) as receiver:
        body = {"organisation": "*", "sink": receiver.url}
        headers = {"Idempotency-Key": secrets.token_hex(8)}
        made = await officer.call("notify", "POST", "/subscriptions", json=body, headers=headers)
        assert made.status_code == 201 and made.json()["status"] == "active", made.text
        yield Department(receiver)
        # A shared platform need not try for ever what is gone with this test.
        await officer.call("notify", "DELETE", f"/subscriptions/{made.json()['id']}")


async def _agree(call: Call) -> Reply:
    if call.method == "OPTIONS":  # CloudEvents HTTP web hooks §4.1
        return 200, {"webhook-allowed-origin": call.headers["webhook-request-origin"]}
    return 204, {}
