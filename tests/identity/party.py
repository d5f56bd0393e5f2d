"""A relying party and a browser, as tests drive them."""

import base64
import hashlib
import json
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from joserfc import jws, jwt
from joserfc.jwk import ECKey, KeySet

from services.kit.clock import utc_now

ISSUER = "https://id.example"
PASSWORD = "correct horse battery staple"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
CASES, CATALOG = "urn:tongban:cases", "urn:tongban:catalog"
STRANGER_KEY = ECKey.generate_key("P-256", auto_kid=True)
"""The key of every client that a test declares itself; its public part goes into the declaration's `jwks`."""
STRANGER_JWKS = {"keys": [STRANGER_KEY.as_dict(private=False)]}


def challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def query(location: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def hidden(page: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, f"no field {name}"
    return found[1].replace("&amp;", "&").replace("&#39;", "'").replace("&#34;", '"')


@dataclass
class Party:
    """One client of the provider."""

    client_id: str
    key: ECKey
    http: httpx.AsyncClient
    redirect_uri: str = ""
    clock: Callable[[], datetime] = utc_now
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(40))
    secret: str | None = None

    def assertion(self, *, key: Any = None, header: dict[str, Any] | None = None, **claims: Any) -> str:
        now = int(self.clock().timestamp())
        found = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": ISSUER,
            "iat": now,
            "exp": now + 60,
            "jti": secrets.token_urlsafe(16),
        } | claims
        found = {name: value for name, value in found.items() if value is not None}
        head = {"alg": "ES256", "typ": "JWT", "kid": self.key.kid} | (header or {})
        # In ASCII, so that a test can send half a surrogate pair.
        return jws.serialize_compact(head, json.dumps(found), key or self.key, algorithms=[head["alg"]])

    def authenticated(self, **parameters: Any) -> dict[str, Any]:
        """Form parameters with the client's proof."""
        if self.secret is not None:
            proof = {"client_id": self.client_id, "client_secret": self.secret}
        else:
            proof = {"client_assertion_type": JWT_BEARER, "client_assertion": self.assertion()}
        return {name: value for name, value in (proof | parameters).items() if value is not None}

    def request(self, **parameters: Any) -> dict[str, Any]:
        """Parameters of a good authorization request; None leaves one out."""
        found: dict[str, Any] = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": "openid profile",
            "state": "st-1",
            "nonce": "no-1",
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
            "resource": [CASES, CATALOG],
        } | parameters
        return {name: value for name, value in found.items() if value is not None}

    def address(self, **parameters: Any) -> str:
        return "/authorize?" + urlencode(self.request(**parameters), doseq=True)

    async def token(self, **parameters: Any) -> httpx.Response:
        return await self.http.post("/token", data=self.authenticated(**parameters))

    async def redeem(self, code: str, **parameters: Any) -> httpx.Response:
        given = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
            "resource": CASES,
        } | parameters
        return await self.token(**given)

    async def refresh(self, refresh_token: str, **parameters: Any) -> httpx.Response:
        return await self.token(grant_type="refresh_token", refresh_token=refresh_token, **parameters)

    async def claims(self, token: str) -> dict[str, Any]:
        """The verified claims of a token of the provider, with its header as `header`."""
        keys = KeySet.import_key_set((await self.http.get("/jwks")).json())
        decoded = jwt.decode(token, keys, algorithms=["ES256", "RS256"])
        return dict(decoded.claims) | {"header": decoded.header}


class Browser:
    """A person's browser: keeps cookies, posts forms, follows no redirect."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def sign_in(
        self, party: Party, username: str = "lin", password: str = PASSWORD, **parameters: Any
    ) -> httpx.Response:
        """Open the sign-in page of a request and post the form."""
        page = await self.http.get(party.address(**parameters))
        assert page.status_code == 200, (page.status_code, page.headers.get("location"), page.text[:300])
        return await self.post_sign_in(page.text, username, password)

    async def post_sign_in(self, page: str, username: str, password: str) -> httpx.Response:
        form = {
            "_token": hidden(page, "_token"),
            "request": hidden(page, "request"),
            "username": username,
            "password": password,
        }
        return await self.http.post("/signin", data=form)

    async def code(self, party: Party, username: str = "lin", **parameters: Any) -> str:
        """A fresh code for a person who signs in."""
        answer = await self.sign_in(party, username, **parameters)
        assert answer.status_code == 303, answer.text
        return query(answer.headers["location"])["code"]

    async def tokens(self, party: Party, username: str = "lin", **parameters: Any) -> dict[str, Any]:
        """Tokens for a person who signs in."""
        answer = await party.redeem(await self.code(party, username, **parameters))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def silent(self, party: Party, **parameters: Any) -> dict[str, str]:
        """What the client gets for prompt=none."""
        answer = await self.http.get(party.address(**{"prompt": "none"} | parameters))
        assert answer.status_code == 303, answer.text
        return query(answer.headers["location"])
