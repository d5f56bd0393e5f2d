"""A citizen and an officer who use the services' HTTP with tokens of their own, while things break around them."""

import asyncio
import json
import secrets
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import httpx
from joserfc.jwk import ECKey

from tests.harness.platform import Platform
from tests.identity.party import Browser, Party

ITEM = "失业登记"
ANSWERS = {
    "name": "林晓梅",
    "phone": "13800000000",
    "reason": "contract",
    "since": "2026-10-01",
    "help": "training",
}


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

    async def submit(self, code: str, key: str | None = None, seconds: float = 90) -> str:
        """Hand a case in, again with the same key until it is acknowledged; the case's id."""
        key = key or secrets.token_hex(8)
        async with asyncio.timeout(seconds):
            while True:
                try:
                    body = {"item_code": code, "answers": ANSWERS}
                    answer = await self.call("cases", "POST", "/cases", json=body, headers={"Idempotency-Key": key})
                    if answer.status_code == 201:
                        return str(answer.json()["id"])
                    # An item may not have reached the cases service yet, or the service may just be away.
                    assert answer.status_code in (404, 503), answer.text
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

    async def told_of(self, cases: set[str], seconds: float = 90) -> None:
        """Return when the inbox tells of each of `cases`; assert that it tells of each once."""
        async with asyncio.timeout(seconds):
            while True:
                try:
                    seen = [m["case_id"] for m in await self.messages() if m["case_id"] in cases]
                    if set(seen) == cases:
                        break
                except httpx.HTTPError:
                    pass
                await asyncio.sleep(0.2)
        assert sorted(seen) == sorted(cases), "a message came twice"
