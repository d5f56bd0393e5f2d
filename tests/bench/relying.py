"""A relying party and its people, as the identity bench drives them. Every answer is checked; a wrong one raises."""

import base64
import hashlib
import html
import json
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from tests.bench.machine import ISSUER
from tests.bench.wire import Answer, Wire

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
AUDIENCE, PROVIDER = "urn:tongban:cases", "urn:tongban:identity"
"""A service that tokens are for, and the provider itself: its userinfo takes no other's."""
REDIRECT = "http://localhost:8080/signin/callback"
PORTAL, MACHINE, SERVICE = "bench-portal", "bench-machine", "cases"
PASSWORD = "correct horse battery staple"
SERVICE_SECRET = secrets.token_urlsafe(32)
_PARAMETERS = {
    "response_type": "code",
    "client_id": PORTAL,
    "redirect_uri": REDIRECT,
    "scope": "openid profile",
    "code_challenge_method": "S256",
}


class WrongAnswer(AssertionError):
    """The provider did not answer as it must: the figures mean nothing."""


def declarations(key: ECKey) -> list[dict[str, Any]]:
    """The clients: one that people sign in through, one that acts for itself, one that asks about tokens."""
    jwks = {"keys": [key.as_dict(private=False)]}
    machine = {"grant_types": ["client_credentials"], "resources": [AUDIENCE]}
    return [
        {
            "client_id": PORTAL,
            "client_name": {"zh": "门户", "en": "Portal"},
            "first_party": True,
            "realm": "citizen",
            "grant_types": ["authorization_code", "refresh_token"],
            "jwks": jwks,
            "redirect_uris": [REDIRECT],
            "resources": [AUDIENCE, PROVIDER],
        },
        machine | {"client_id": MACHINE, "client_name": {"zh": "系统", "en": "Machine"}, "jwks": jwks},
        machine
        | {
            "client_id": SERVICE,
            "client_name": {"zh": "服务", "en": "Service"},
            "token_endpoint_auth_method": "client_secret_basic",
            "client_secret": SERVICE_SECRET,
        },
    ]


class Relying:
    """The driver's side of all clients. `keys` are read from the JWKS."""

    def __init__(self, key: ECKey) -> None:
        self._key = key
        self._keys: KeySet | None = None
        pair = base64.b64encode(f"{SERVICE}:{SERVICE_SECRET}".encode()).decode()
        self._basic = {"Authorization": f"Basic {pair}"}
        self.documents: dict[str, bytes] = {}

    async def discover(self, wire: Wire) -> None:
        """Read discovery and JWKS, which later answers are compared with."""
        for path in ("/.well-known/openid-configuration", "/jwks"):
            self.documents[path] = (await wire.call("GET", path)).body
        found = json.loads(self.documents["/.well-known/openid-configuration"])
        _hold(found["issuer"] == ISSUER and found["jwks_uri"] == f"{ISSUER}/jwks", "discovery")
        self._keys = KeySet.import_key_set(json.loads(self.documents["/jwks"]))

    def reader_of(self, path: str) -> Callable[[Wire, int], Awaitable[None]]:
        """Reads discovery or the JWKS once more."""

        async def read(wire: Wire, _: int) -> None:
            answer = await wire.call("GET", path)
            _hold(answer.status == 200 and answer.body == self.documents[path], path)

        return read

    async def machine_token(self, wire: Wire) -> str:
        """A client's own token: client_credentials by private_key_jwt."""
        found = await self._token(wire, MACHINE, {"grant_type": "client_credentials", "resource": AUDIENCE})
        claims = self.claims(found["access_token"], "at+jwt")
        _hold(claims["sub"] == MACHINE and claims["aud"] == AUDIENCE, "client credentials")
        return str(found["access_token"])

    async def sign_in(self, wire: Wire, username: str, address: str, audience: str) -> dict[str, Any]:
        """The whole way of a person who comes anew: page, form, code, tokens. The token response."""
        verifier, state, nonce = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        asked = _PARAMETERS | {"code_challenge": challenge, "state": state, "nonce": nonce, "resource": audience}
        headers = {"X-Forwarded-For": address}
        page = await wire.call("GET", f"/authorize?{urlencode(asked)}", headers=headers)
        _hold(page.status == 200, "sign-in page", page)
        form = {name: _hidden(page, name) for name in ("_token", "request")}
        form |= {"username": username, "password": PASSWORD}
        cookies = "; ".join(f"{name}={value}" for name, value in page.cookies.items())
        sent = urlencode(form).encode()
        back = await wire.call("POST", "/signin", headers=headers | {"Cookie": cookies}, form=sent)
        _hold(back.status == 303 and any("sso" in name for name in back.cookies), "sign-in", back)
        query = parse_qs(urlsplit(back.headers["location"]).query)
        _hold(query["state"] == [state] and query["iss"] == [ISSUER], "the way back", back)
        given = {
            "grant_type": "authorization_code",
            "code": query["code"][0],
            "redirect_uri": REDIRECT,
            "code_verifier": verifier,
        }
        found = await self._token(wire, PORTAL, given)
        self._hold_person(found, nonce, audience)
        return found

    async def refresh(self, wire: Wire, refresh_token: str) -> dict[str, Any]:
        """The next tokens of a family; the refresh token is another one."""
        found = await self._token(wire, PORTAL, {"grant_type": "refresh_token", "refresh_token": refresh_token})
        self._hold_person(found, None, AUDIENCE)
        _hold(found["refresh_token"] != refresh_token, "rotation")
        return found

    async def reuse(self, wire: Wire, refresh_token: str) -> None:
        """A refresh token that was exchanged is refused."""
        given = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        answer = await wire.call("POST", "/token", form=self.form(PORTAL, given))
        _hold(answer.status == 400 and b"invalid_grant" in answer.body, "reuse", answer)

    async def introspect(self, wire: Wire, token: str, *, active: bool = True) -> None:
        """What a resource server asks (client_secret_basic)."""
        answer = await wire.call("POST", "/introspect", headers=self._basic, form=urlencode({"token": token}).encode())
        found = json.loads(answer.body)
        fits = found["iss"] == ISSUER and found["aud"] == AUDIENCE if active else set(found) == {"active"}
        _hold(answer.status == 200 and found["active"] is active and fits, "introspection", answer)

    async def userinfo(self, wire: Wire, token: str, *, active: bool = True) -> None:
        answer = await wire.call("GET", "/userinfo", headers={"Authorization": f"Bearer {token}"})
        if active:
            _hold(answer.status == 200 and len(json.loads(answer.body)["sub"]) == 32, "userinfo", answer)
        else:
            _hold(answer.status == 401 and "invalid_token" in answer.headers["www-authenticate"], "userinfo", answer)

    async def revoke(self, wire: Wire, token: str) -> None:
        answer = await wire.call("POST", "/revoke", form=self.form(PORTAL, {"token": token}))
        _hold(answer.status == 200, "revocation", answer)

    def claims(self, token: str, typ: str) -> dict[str, Any]:
        """The claims of a token, verified by the published keys."""
        assert self._keys is not None
        found = jwt.decode(token, self._keys, algorithms=["ES256", "RS256"])
        _hold(found.header["typ"] == typ and found.claims["iss"] == ISSUER, typ)
        return dict(found.claims)

    def _hold_person(self, found: Mapping[str, Any], nonce: str | None, audience: str) -> None:
        access, identity = self.claims(found["access_token"], "at+jwt"), self.claims(found["id_token"], "JWT")
        fits = access["sub"] == identity["sub"] and access["sid"] == identity["sid"] and access["aud"] == audience
        _hold(fits and identity["aud"] == PORTAL and identity.get("nonce") == nonce, "tokens")

    async def _token(self, wire: Wire, client_id: str, given: Mapping[str, str]) -> dict[str, Any]:
        answer = await wire.call("POST", "/token", form=self.form(client_id, given))
        _hold(answer.status == 200 and answer.headers["cache-control"] == "no-store", given["grant_type"], answer)
        found: dict[str, Any] = json.loads(answer.body)
        return found

    def form(self, client_id: str, given: Mapping[str, str]) -> bytes:
        """A form with a fresh proof of the client (RFC 7523)."""
        return urlencode({**given, **self._assertion(client_id)}).encode()

    def _assertion(self, client_id: str) -> dict[str, str]:
        now = int(time.time())
        claims = {"iss": client_id, "sub": client_id, "aud": ISSUER, "iat": now, "exp": now + 60}
        claims |= {"jti": secrets.token_urlsafe(16)}
        text = jwt.encode({"alg": "ES256", "kid": self._key.kid}, claims, self._key, algorithms=["ES256"])
        return {"client_assertion_type": JWT_BEARER, "client_assertion": text}


def usernames(count: int) -> Sequence[str]:
    return [f"person{number:03}" for number in range(count)]


def _hidden(page: Answer, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page.body.decode())
    _hold(found is not None, f"field {name}", page)
    return html.unescape(found[1])  # type: ignore[index]


def _hold(fits: bool, what: str, answer: Answer | None = None) -> None:
    if not fits:
        raise WrongAnswer(f"{what}: {answer.status} {answer.body[:300]!r}" if answer is not None else what)
