"""What the checks judge: a request and what is known about it, gathered beforehand, so that no check does I/O."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.identity.domain.assertions import Assertion
from services.identity.domain.claims_request import ClaimsRequest, read_claims
from services.identity.domain.clients import SCOPES, Client
from services.identity.domain.consents import Consent
from services.identity.domain.credentials import NO_CREDENTIALS, Credentials
from services.identity.domain.parameters import Parameters
from services.identity.domain.person import scope_claims
from services.identity.domain.requests import PushedRequest, RequestObject
from services.identity.domain.sessions import Limits, SsoSession
from services.identity.domain.tokens import AuthorizationCode, Presented
from services.identity.errors import InvalidClient, InvalidDpopProof
from services.kit.dpop import Proof, Rule, Wanted


@dataclass(frozen=True, slots=True)
class Rules:
    """The provider's own constants."""

    issuer: str
    audience: str
    skew: timedelta
    assertion_life: timedelta
    refresh_grace: timedelta
    sessions: Limits

    @property
    def token_endpoint(self) -> str:
        return f"{self.issuer}/token"


@dataclass(slots=True)
class Facts:
    """One request. What an endpoint does not have stays None. `address`: the endpoint's own URL."""

    rules: Rules
    now: datetime
    parameters: Parameters
    client: Client | None = None
    address: str = ""
    credentials: Credentials = NO_CREDENTIALS
    secret_fits: bool = False
    assertion: Assertion | None = None
    assertion_unused: bool = True
    pushed: PushedRequest | None = None
    request_object: RequestObject | None = None
    session: SsoSession | None = None
    consent: Consent | None = None
    framed: bool = False
    hint: Mapping[str, Any] | None = None
    code: AuthorizationCode | None = None
    presented: Presented | None = None
    token: Mapping[str, Any] | None = None
    subject_of: Callable[[Client, str], str] = lambda client, account_id: account_id
    """`sub` of an account at a client."""
    scheme: str = "bearer"
    """How the access token came: `bearer` or `dpop`."""
    proof: Proof | None = None
    wanted: Wanted | None = None
    nonce_fits: bool = True
    proof_unused: bool = True
    certificate: str | None = None
    """SHA-256 thumbprint of the client certificate of the connection."""

    @property
    def waiting(self) -> Parameters:
        """The request as a page carries it on: by reference where it has one, so that nobody changes it there."""
        return self.pushed.reference() if self.pushed is not None else self.parameters

    @property
    def scope(self) -> tuple[str, ...]:
        """What is granted of the scope asked for: what nobody knows is ignored (OpenID Connect Core §3.1.2.1), and what
        is not for this client is left out; the token response tells (RFC 6749 §3.3).
        """
        return tuple(
            word for word in self.parameters.words("scope") if word in SCOPES and word in self.known_client.scopes
        )

    @property
    def max_age(self) -> int | None:
        """How old the sign-in may be, by the request or the client's default (OpenID Connect Registration §2)."""
        value = self.parameters.get("max_age")
        return int(value) if value is not None else self.known_client.default_max_age

    @property
    def claims(self) -> ClaimsRequest | None:
        """The `claims` parameter; None for a malformed one, which no check after its own meets."""
        return read_claims(self.parameters.get("claims"), self.known_client.scopes)

    def meant(self, account_id: str) -> bool:
        """Whether a request that names people, by `id_token_hint` (OpenID Connect Core §3.1.2.1) or by the claim `sub`
        (§5.5.1), is about this one.
        """
        subject, claims = self.subject_of(self.known_client, account_id), self.claims
        if self.hint is not None and self.hint["sub"] != subject:
            return False
        return claims is None or claims.subjects is None or subject in claims.subjects

    @property
    def asked(self) -> Consent:
        """What the client asks the person for."""
        parameters = self.parameters
        scopes, claims = self.scope, self.claims
        one_by_one = (claims.names if claims is not None else frozenset()) - frozenset(scope_claims(scopes))
        return Consent(frozenset(scopes), one_by_one, frozenset(parameters.many("resource")))

    @property
    def consented(self) -> bool:
        """Whether nobody needs to be asked: our own surface, or agreed to before."""
        if self.known_client.first_party:
            return True
        return self.consent is not None and self.consent.covers(self.asked)

    @property
    def known_client(self) -> Client:
        """The client, for checks that come after the one that it is known."""
        if self.client is None:
            raise RuntimeError("the client is checked first")
        return self.client

    @property
    def binding(self) -> dict[str, str]:
        """What tokens issued now are bound to, as `cnf` says it (RFC 9449 §6.1, RFC 8705 §3.1)."""
        found = {"jkt": self.proof.jkt} if self.proof is not None else {}
        if self.certificate is not None and self.known_client.tls_client_certificate_bound_access_tokens:
            found["x5t#S256"] = self.certificate
        return found

    @property
    def confirmation(self) -> Mapping[str, str]:
        """What the access token that came is bound to."""
        found: Mapping[str, str] = (self.token or {}).get("cnf", {})
        return found

    def prove(self, rule: Rule) -> None:
        """Hold the DPoP proof, where one came, to a rule of RFC 9449 §4.3. Raises InvalidDpopProof."""
        if self.proof is not None and self.wanted is not None and (problem := rule(self.proof, self.wanted)):
            raise InvalidDpopProof(problem)

    def not_authenticated(self) -> InvalidClient:
        """Nobody learns from it whether the client exists; the challenge matches the scheme used (RFC 6749 §5.2)."""
        text = "the client is unknown, or does not authenticate as it is registered"
        scheme = self.credentials.scheme
        return InvalidClient(text, scheme=scheme) if scheme else InvalidClient(text)
