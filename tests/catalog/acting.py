"""Officers at the catalogue's doors: who calls is chosen for each request."""

from collections.abc import Callable
from typing import Any

import httpx

from services.kit.auth import Grant, Principal, caller
from services.kit.service import Service

Send = Callable[..., Any]


def officer(sub: str, *grants: str, realm: str = "staff") -> Principal:
    """An officer with grants written "role@organisation"; "*" is every organisation."""
    held = tuple(Grant(org=org, role=role) for role, _, org in (grant.partition("@") for grant in grants))
    fields = {"sub": sub, "client_id": "desk", "realm": realm, "name": f"{sub} name", "grants": held}
    return Principal.model_validate({**fields, "jti": "1", "exp": 2**31})


class Doors:
    """The service's HTTP interface: `await doors(who, "PUT", "/…", json=…)` gives status and body."""

    def __init__(self, service: Service) -> None:
        self._app: Any = service.app
        transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://catalog")

    async def __call__(
        self, who: Principal, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, Any]:
        """Status and JSON; header names are written with `_`."""
        self._app.dependency_overrides[caller] = lambda: who
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await self.client.request(method, path, json=body, headers=named)
        return answer.status_code, answer.json() if answer.content else None
