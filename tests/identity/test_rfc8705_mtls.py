"""RFC 8705 §3: tokens bound to a client certificate, which a trusted proxy tells of (§6.5)."""

import base64
import datetime
import hashlib
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from services.identity.settings import IdentitySettings
from services.kit.certificates import behind_proxies
from services.kit.settings import SettingsError
from tests.identity.conftest import Starter, World
from tests.identity.dpop import Holder
from tests.identity.party import ISSUER, Party
from tests.identity.test_rfc9449_dpop import APP, MACHINE, PUBLIC, SERVER

PROXY, STRANGER = "10.1.2.3", "192.0.2.7"
HEADER = "X-Client-Cert"
BOUND = {"dpop_bound_access_tokens": False, "tls_client_certificate_bound_access_tokens": True}


class Certificate:
    """A self-signed certificate and the ways in which proxies tell of it."""

    def __init__(self) -> None:
        key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "client")])
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now)
        made = builder.not_valid_after(now + datetime.timedelta(days=1)).sign(key, SHA256())
        der = made.public_bytes(Encoding.DER)
        self.escaped = quote(made.public_bytes(Encoding.PEM).decode())
        self.rfc9440 = f":{base64.b64encode(der).decode()}:"
        self.thumbprint = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).decode().rstrip("=")


Connect = Callable[..., httpx.AsyncClient]


@pytest.fixture
async def world(start: Starter) -> World:
    found: World = await start(
        more=[APP | BOUND, SERVER | BOUND], trusted_proxies="10.0.0.0/8", client_certificate_header=HEADER
    )
    return found


@pytest.fixture
def connect(world: World) -> Connect:
    """Makes clients that come from an address with a header about their certificate."""

    def to(value: str | None, peer: str = PROXY, *more: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(behind_proxies(world.service.app, world.settings), client=(peer, 1))
        headers = [(HEADER, each) for each in (value, *more) if each is not None]
        headers.append(("X-Forwarded-For", "198.51.100.1"))
        client = httpx.AsyncClient(transport=transport, base_url=ISSUER, headers=headers)
        world.opened.append(client)
        return client

    return to


async def ask(http: httpx.AsyncClient, party: Party, **parameters: Any) -> httpx.Response:
    return await http.post("/token", data=party.authenticated(**parameters))


async def test_section_3_1_the_token_names_the_certificate(world: World, connect: Connect) -> None:
    server, certificate = world["server"], Certificate()
    for value in (certificate.escaped, certificate.rfc9440):
        answer = await ask(connect(value), server, **MACHINE)
        assert (answer.status_code, answer.json()["token_type"]) == (200, "Bearer")
        claims = await server.claims(answer.json()["access_token"])
        assert claims["cnf"] == {"x5t#S256": certificate.thumbprint}
    token = answer.json()["access_token"]
    told = (await server.http.post("/introspect", data=server.authenticated(token=token))).json()
    assert told["cnf"] == {"x5t#S256": certificate.thumbprint}
    # A client that did not register so gets a plain token.
    plain = (await ask(connect(certificate.escaped), world["dept-demo"], **MACHINE)).json()["access_token"]
    assert "cnf" not in await server.claims(plain)


async def test_section_3_4_without_a_certificate_that_can_be_believed_there_is_no_token(
    world: World, connect: Connect, subtests: pytest.Subtests
) -> None:
    """§6.5: nobody but the proxy is believed, whatever X-Forwarded-For says; what cannot be read is none."""
    good = Certificate().escaped
    cases = {
        "none": connect(None),
        "a stranger's header": connect(good, STRANGER),
        "two headers": connect(good, PROXY, Certificate().escaped),
        "no certificate": connect("x"),
        "no Base64": connect(":%%%:"),
        "cut off": connect(good[:300]),
        "too long": connect(good + "%0A" * 9000),
        "empty": connect(""),
    }
    grants = {
        "machine": MACHINE,
        "code": {"grant_type": "authorization_code", "code": "c"},
        "refresh": {"grant_type": "refresh_token", "refresh_token": "r"},
    }
    for name, http in cases.items():
        for grant, parameters in grants.items():
            with subtests.test(case=name, grant=grant):
                answer = await ask(http, world["server"], **parameters)
                assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_section_4_refresh_tokens_of_public_clients_and_userinfo(world: World, connect: Connect) -> None:
    app, mine, other = world["app"], Certificate(), Certificate()
    code = await world.browser().code(app, resource=None)
    given = {"redirect_uri": app.redirect_uri, "code_verifier": app.verifier, "code": code} | PUBLIC
    tokens = (await ask(connect(mine.escaped), app, grant_type="authorization_code", **given)).json()
    token = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await connect(mine.escaped).get("/userinfo", headers=token)).status_code == 200
    for http in (connect(other.escaped), connect(None), connect(mine.escaped, STRANGER)):
        answer = await http.get("/userinfo", headers=token)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]} | PUBLIC
    refused = await ask(connect(other.escaped), app, **refresh)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert (await ask(connect(mine.escaped), app, **refresh)).status_code == 200


async def test_both_bindings_hold_together(start: Starter) -> None:
    """A client that registered both shows both."""
    both = SERVER | {"tls_client_certificate_bound_access_tokens": True}
    world: World = await start(more=[both], trusted_proxies=PROXY, client_certificate_header=HEADER)
    holder, certificate = Holder(world.clock), Certificate()
    transport = httpx.ASGITransport(behind_proxies(world.service.app, world.settings), client=(PROXY, 1))
    async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as http:
        world["server"].http = http
        http.headers[HEADER] = certificate.escaped
        answer = await holder.token(world["server"], **MACHINE)
        claims = await world["server"].claims(answer.json()["access_token"])
        assert claims["cnf"] == {"jkt": holder.jkt, "x5t#S256": certificate.thumbprint}


async def test_section_3_3_metadata_say_so_only_where_it_is_set_up(world: World, start: Starter) -> None:
    on = (await world.http().get("/.well-known/openid-configuration")).json()
    assert on["tls_client_certificate_bound_access_tokens"] is True
    off: World = await start(more=[APP | BOUND, SERVER | BOUND])
    assert (
        "tls_client_certificate_bound_access_tokens"
        not in (await off.http().get("/.well-known/oauth-authorization-server")).json()
    )
    # Off: the header is nobody's, also of the proxy.
    transport = httpx.ASGITransport(behind_proxies(off.service.app, off.settings), client=(PROXY, 1))
    async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as http:
        http.headers[HEADER] = Certificate().escaped
        assert (await ask(http, off["server"], **MACHINE)).json()["error"] == "invalid_request"


def test_the_header_goes_with_trusted_proxies() -> None:
    with pytest.raises(SettingsError, match="CLIENT_CERTIFICATE_HEADER"):
        IdentitySettings.load(profile="test", issuer=ISSUER, client_certificate_header=HEADER)
