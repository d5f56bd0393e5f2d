"""A relying party as the OpenID Foundation's conformance suite plays it, and the person at its browser."""

import base64
import html
import re
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlencode, urlsplit

import httpx

from tests.identity.dpop import Holder
from tests.identity.party import ISSUER, PASSWORD, STRANGER_JWKS, Party, challenge_of, hidden

BASE = "https://suite.example/test/a/tongban"
CALLBACK = f"{BASE}/callback"
WITH_QUERY = f"{CALLBACK}?dummy1=lorem&dummy2=ipsum"
DONE = f"{BASE}/post_logout_redirect"
FAPI2_SCOPE = "openid profile"
OWN = {"code", "state", "iss"}
"""All that an answer may hold; of an error, `error` and `error_description` instead of the code."""
KNOWN_IN_ID_TOKEN = {
    *("iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp"),
    *("at_hash", "c_hash", "s_hash", "nbf", "jti", "sid"),
}
PRINTABLE = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+")
"""RFC 6749 §4.1.2.1 and §5.2: what `error_description` may hold."""


def declared(client_id: str, method: str = "client_secret_basic", **more: Any) -> dict[str, Any]:
    """A client as the operator declares it for the suite."""
    return {
        "client_id": client_id,
        "client_name": {"zh": "一致性测试", "en": "Conformance suite"},
        "realm": "citizen",
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": method,
        "client_secret": f"~secret of {client_id} + / % : 0123456789abcdef",
        "redirect_uris": [CALLBACK, WITH_QUERY],
        "post_logout_redirect_uris": [DONE],
        "require_pkce": False,
    } | more


BASIC, SECOND = declared("suite-1"), declared("suite-2")
POST = declared("suite-post", "client_secret_post")


def fapi2(client_id: str, **more: Any) -> dict[str, Any]:
    """A client of the FAPI 2.0 plan: private_key_jwt and DPoP."""
    secretless = {
        name: value for name, value in declared(client_id, "private_key_jwt").items() if name != "client_secret"
    }
    profile = {"profile": "fapi2", "require_pkce": True, "dpop_bound_access_tokens": True, "jwks": STRANGER_JWKS}
    return secretless | profile | {"id_token_signed_response_alg": "ES256"} | more


@dataclass
class Callback:
    """What came to the redirect URI: its own query, and the answer, by GET or by a posted form."""

    url: str
    method: str
    fields: dict[str, str]

    @property
    def own_query(self) -> dict[str, str]:
        return {name: value for name, value in parse_qsl(urlsplit(self.url).query) if name not in self.fields}


@dataclass
class Person:
    """Somebody at a browser who signs in when asked, agrees to all, and presses the buttons of pages."""

    http: httpx.AsyncClient
    username: str = "lin"
    by_post: bool = False
    """Whether its clients send their secret in the body."""
    seen: list[str] = field(default_factory=list)
    """The pages that were shown: signin, consent."""

    async def visit(self, party: Party, method: str = "GET", **parameters: Any) -> Callback | httpx.Response:
        """Open an authorization request and go all the way; a page that leads nowhere is returned."""
        asked = request(party, **parameters)
        if method == "POST":
            answer = await self.http.post("/authorize", data=asked)
        else:
            answer = await self.http.get("/authorize?" + urlencode(asked))
        return await self.go_on(answer)

    async def go_on(self, answer: httpx.Response) -> Callback | httpx.Response:
        """Do what the page asks until the browser is back at the client."""
        self.seen.clear()
        for _ in range(5):
            location = answer.headers.get("location", "")
            if location.startswith(BASE):
                query = dict(parse_qsl(urlsplit(location).query, keep_blank_values=True))
                own = {"dummy1", "dummy2"}
                fields = {name: value for name, value in query.items() if name not in own}
                return Callback(location, "GET", fields)
            if location:
                answer = await self.http.get(location)
            elif 'name="password"' in answer.text:
                self.seen.append("signin")
                form = {"username": self.username, "password": PASSWORD}
                answer = await self.post("/signin", answer, ("_token", "request"), form)
            elif 'name="choice" value="allow"' in answer.text:
                self.seen.append("consent")
                answer = await self.post("/consent", answer, ("_token", "request", "shown_to"), {"choice": "allow"})
            elif form_post := re.search(r'<form id="back"[^>]* action="([^"]*)" method="post">', answer.text):
                found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', answer.text)
                url = html.unescape(form_post[1])
                return Callback(url, "POST", {name: html.unescape(value) for name, value in found})
            else:
                return answer
        raise AssertionError("round and round")

    async def post(
        self, path: str, page: httpx.Response, names: tuple[str, ...], more: dict[str, str]
    ) -> httpx.Response:
        return await self.http.post(path, data={name: hidden(page.text, name) for name in names} | more)

    async def back(self, party: Party, method: str = "GET", **parameters: Any) -> Callback:
        """The same, where the client must be reached."""
        found = await self.visit(party, method, **parameters)
        assert isinstance(found, Callback), found.text
        return found

    async def tokens(self, party: Party, **parameters: Any) -> dict[str, Any]:
        """Tokens of a whole flow, checked as every module of the suite does."""
        found = await self.back(party, **parameters)
        assert found.fields.keys() <= OWN and found.fields["iss"] == ISSUER
        assert found.fields.get("state") == request(party, **parameters).get("state")
        assert len(found.fields["code"]) * 8 >= 128
        redirect_uri = parameters.get("redirect_uri", CALLBACK)
        answer = await redeem(party, found.fields["code"], self.by_post, redirect_uri=redirect_uri)
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        assert answer.headers["cache-control"] == "no-store"
        assert tokens["token_type"] == "Bearer" and tokens["expires_in"] > 0
        return tokens

    async def id_token(self, party: Party, **parameters: Any) -> dict[str, Any]:
        """The claims of the ID token of a whole flow."""
        return await party.claims((await self.tokens(party, **parameters))["id_token"])


def request(party: Party, **parameters: Any) -> dict[str, str]:
    """An authorization request of the Basic plan; None leaves a parameter out."""
    found = {
        "client_id": party.client_id,
        "redirect_uri": CALLBACK,
        "scope": "openid",
        "state": "x" * 10,
        "nonce": "n" * 10,
        "response_type": "code",
    }
    return {name: str(value) for name, value in (found | parameters).items() if value is not None}


async def redeem(party: Party, code: str, by_post: bool = False, **parameters: Any) -> httpx.Response:
    """A token request with the client's own method."""
    given = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK} | parameters
    return await token(party, by_post, **given)


async def token(party: Party, by_post: bool = False, **parameters: Any) -> httpx.Response:
    """`suite-post` sends its secret in the body, the others in the header, form-encoded first (RFC 6749 §2.3.1)."""
    assert party.secret is not None
    given = {name: value for name, value in parameters.items() if value is not None}
    if by_post or party.client_id == "suite-post":
        return await party.http.post(
            "/token", data=given | {"client_id": party.client_id, "client_secret": party.secret}
        )
    pair = f"{quote_plus(party.client_id)}:{quote_plus(party.secret)}".replace("~", "%7E")
    header = {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
    return await party.http.post("/token", data=given, headers=header)


def random_state(length: int = 128) -> str:
    """A state of so many characters."""
    return secrets.token_urlsafe(length)[:length]


def check_error(found: Callback, *errors: str) -> None:
    """An error answer of the authorization endpoint as the suite wants it."""
    assert found.fields["error"] in errors, found.fields
    assert found.fields.keys() <= {"error", "error_description", "error_uri", "state", "iss"}
    assert found.fields["iss"] == ISSUER
    assert PRINTABLE.fullmatch(found.fields.get("error_description", "x"))


def check_token_error(answer: httpx.Response, *errors: str, statuses: tuple[int, ...] = (400,)) -> None:
    """An error answer of the token endpoint as the suite wants it."""
    assert answer.status_code in statuses, answer.text
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json()["error"] in errors
    assert PRINTABLE.fullmatch(answer.json().get("error_description", "x"))


@dataclass
class Bank:
    """A client of the plan: what it pushes, where it sends the browser, how it calls."""

    party: Party
    person: Person
    holder: Holder
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(40))

    async def push(self, *proofs: str, assertion: str | None = None, **parameters: Any) -> httpx.Response:
        """A pushed request; one retry where the provider asks for a nonce."""
        pkce = {"code_challenge": challenge_of(self.verifier), "code_challenge_method": "S256"}
        asked = request(self.party, **{"scope": FAPI2_SCOPE, "redirect_uri": CALLBACK} | pkce | parameters)
        for _ in range(2):
            given = self.party.authenticated(**asked, client_assertion=assertion or self.party.assertion())
            headers = [("DPoP", proof) for proof in proofs]
            answer = await self.party.http.post("/par", data=given, headers=headers)
            self.holder.nonce = answer.headers.get("DPoP-Nonce", self.holder.nonce)
            if not proofs or answer.json().get("error") != "use_dpop_nonce":
                return answer
            proofs = (self.holder.proof(f"{ISSUER}/par"),)
        return answer

    async def address(self, *proofs: str, beside: dict[str, str] | None = None, **parameters: Any) -> str:
        """Where the browser goes: the parameters that OpenID Connect wants twice stand beside the reference."""
        answer = await self.push(*proofs, **parameters)
        assert answer.status_code == 201, answer.text
        assert answer.headers["content-type"].startswith("application/json")
        assert answer.json()["expires_in"] >= 5
        twice = {
            "response_type": "code",
            "scope": FAPI2_SCOPE,
            "redirect_uri": parameters.get("redirect_uri", CALLBACK),
        }
        named = {"client_id": self.party.client_id, "request_uri": answer.json()["request_uri"]}
        return "/authorize?" + urlencode(named | (twice if beside is None else beside))

    async def visit(self, address: str) -> Callback | httpx.Response:
        return await self.person.go_on(await self.person.http.get(address))

    async def back(self, *proofs: str, beside: dict[str, str] | None = None, **parameters: Any) -> Callback:
        found = await self.visit(await self.address(*proofs, beside=beside, **parameters))
        assert isinstance(found, Callback), found.text
        return found

    async def redeem(self, code: str, *proofs: str, **parameters: Any) -> httpx.Response:
        given = {"redirect_uri": CALLBACK, "code_verifier": self.verifier} | parameters
        return await self.holder.redeem(self.party, code, *proofs, **given)

    async def tokens(self, *proofs: str, beside: dict[str, str] | None = None, **parameters: Any) -> dict[str, Any]:
        """Tokens of a whole flow, checked as every module does."""
        found = await self.back(*proofs, beside=beside, **parameters)
        assert found.fields.keys() <= {"code", "state", "iss"} and found.fields["iss"] == ISSUER
        redirect_uri = parameters.get("redirect_uri", CALLBACK)
        answer = await self.redeem(found.fields["code"], redirect_uri=redirect_uri)
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        assert tokens["token_type"] == "DPoP" and tokens["expires_in"] > 0
        return tokens

    async def claims(self, tokens: dict[str, Any]) -> dict[str, Any]:
        found = await self.party.claims(tokens["id_token"])
        header = found.pop("header")
        assert header["alg"] in ("PS256", "ES256", "EdDSA") and header["kid"]
        return found

    async def userinfo(self, tokens: dict[str, Any], *proofs: str, scheme: str = "DPoP") -> httpx.Response:
        return await self.holder.userinfo(self.party.http, tokens["access_token"], *proofs, scheme=scheme)
