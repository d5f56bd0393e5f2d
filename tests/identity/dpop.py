"""A holder of a DPoP key (RFC 9449), as tests drive it."""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
from joserfc import jws
from joserfc.jwk import ECKey, Key

from services.kit.clock import utc_now
from tests.identity.party import ISSUER, Party

TOKEN, USERINFO = f"{ISSUER}/token", f"{ISSUER}/userinfo"


class _Any(jws.JWSRegistry):
    """Signs whatever a test wants."""

    def check_header(self, header: Any) -> None:
        pass


@dataclass
class Holder:
    """A key, the newest nonce of the provider, and proofs good or bad. None leaves a claim or header member out."""

    clock: Callable[[], datetime] = utc_now
    key: Key = field(default_factory=lambda: ECKey.generate_key("P-256"))
    alg: str = "ES256"
    nonce: str | None = None

    @property
    def jkt(self) -> str:
        return self.key.thumbprint()

    def proof(
        self, url: str = TOKEN, method: str = "POST", *, header: dict[str, Any] | None = None, **claims: Any
    ) -> str:
        found = {
            "jti": secrets.token_urlsafe(16),
            "htm": method,
            "htu": url,
            "iat": int(self.clock().timestamp()),
            "nonce": self.nonce,
        } | claims
        head = {"typ": "dpop+jwt", "alg": self.alg, "jwk": self.key.as_dict(private=False)} | (header or {})
        head, found = ({name: value for name, value in each.items() if value is not None} for each in (head, found))
        registry = _Any(algorithms=[head["alg"]])
        return jws.serialize_compact(head, json.dumps(found), self.key, registry=registry)

    async def token(self, party: Party, *proofs: str, path: str = "/token", **parameters: Any) -> httpx.Response:
        """A token request with a good proof (or these), tried again once with the nonce that the provider asks for.
        Or, by its path, a pushed one.
        """
        for _ in range(2):
            headers = [("DPoP", proof) for proof in proofs or [self.proof(f"{ISSUER}{path}")]]
            data = party.authenticated(**parameters)
            answer = await party.http.post(path, data=data, headers=headers)
            self.nonce = answer.headers.get("DPoP-Nonce", self.nonce)
            if proofs or answer.json().get("error") != "use_dpop_nonce":
                break
        return answer

    async def redeem(self, party: Party, code: str, *proofs: str, **parameters: Any) -> httpx.Response:
        given = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": party.redirect_uri,
            "code_verifier": party.verifier,
        }
        return await self.token(party, *proofs, **given | parameters)

    async def refresh(self, party: Party, refresh_token: str, *proofs: str, **parameters: Any) -> httpx.Response:
        given = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return await self.token(party, *proofs, **given | parameters)

    def ath(self, token: str) -> str:
        return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).decode().rstrip("=")

    async def userinfo(self, http: httpx.AsyncClient, token: str, *proofs: str, scheme: str = "DPoP") -> httpx.Response:
        proofs = proofs or (self.proof(USERINFO, "GET", ath=self.ath(token)),)
        headers = [("Authorization", f"{scheme} {token}"), *(("DPoP", proof) for proof in proofs)]
        return await http.get("/userinfo", headers=headers)
