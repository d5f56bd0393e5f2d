"""The API edge and bound tokens: where a resource tells of itself (RFC 9728), what is handed on (RFC 9449, 8705)."""

import httpx
import pytest

from services.kit.certificates import behind_proxies
from services.kit.service import Service
from tests.gateway.conftest import Browser
from tests.gateway.world import PORTAL, Call, World

METADATA = {"resource": f"{PORTAL}/api/cases", "authorization_servers": ["https://identity.test"]}
WELL_KNOWN = "/.well-known/oauth-protected-resource"


async def test_section_3_a_service_with_a_public_address_tells_of_itself(browser: Browser, world: World) -> None:
    world.services.on("cases", "GET", WELL_KNOWN, METADATA)
    for _ in range(3):
        assert (await browser.get(f"{WELL_KNOWN}/api/cases")).json() == METADATA
        # §5.1: who comes without a token learns where.
        answer = await browser.get("/api/cases/cases")
        assert answer.status_code == 401
        assert f'Bearer resource_metadata="{PORTAL}{WELL_KNOWN}/api/cases"' in answer.headers["www-authenticate"]
    assert len(world.services.made("cases", "GET", WELL_KNOWN)) == 1, "read once a minute"


async def test_where_a_service_has_none_nothing_is_said(browser: Browser, world: World) -> None:
    world.services.away.add("notify")
    for service in ("catalog", "notify"):
        assert (await browser.get(f"{WELL_KNOWN}/api/{service}")).status_code == 404
        assert (await browser.get(f"/api/{service}/x")).headers["www-authenticate"] == "Bearer"
    for path in (f"{WELL_KNOWN}/api/identity", f"{WELL_KNOWN}/api/cases/x", WELL_KNOWN):
        assert (await browser.get(path)).status_code == 404


async def test_proofs_are_handed_on_as_they_came(browser: Browser, world: World) -> None:
    def echo(call: Call) -> dict[str, object]:
        return {"token": call.headers["authorization"], "proofs": call.headers.get_list("dpop")}

    world.services.on("cases", "GET", "/cases", echo)
    headers = [("authorization", "DPoP theirs"), ("dpop", "one"), ("dpop", "two")]
    answer = await browser.http.get("/api/cases/cases", headers=headers)
    # The service refuses two: the gateway must not make them one.
    assert answer.json() == {"token": "DPoP theirs", "proofs": ["one", "two"]}


@pytest.mark.parametrize(
    "more_settings", [{"trusted_proxies": "10.0.0.0/8", "client_certificate_header": "client-cert"}]
)
async def test_a_certificate_is_handed_on_only_of_a_trusted_proxy(
    browser: Browser, world: World, gateway: Service
) -> None:
    world.services.on("cases", "GET", "/cases", lambda call: {"certificate": call.headers.get("client-cert")})
    app = behind_proxies(gateway.app, gateway.context.settings)
    for peer, told in (("10.1.2.3", ":AA==:"), ("192.0.2.7", None)):
        transport = httpx.ASGITransport(app, client=(peer, 1))
        async with httpx.AsyncClient(transport=transport, base_url=PORTAL) as http:
            headers = {"authorization": "Bearer t", "client-cert": ":AA==:"}
            assert (await http.get("/api/cases/cases", headers=headers)).json() == {"certificate": told}
