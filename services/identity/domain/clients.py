"""Clients (relying parties): what may be declared, strictly checked, and what the provider knows of one."""

import json
import re
from collections.abc import Sequence
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from services.identity.domain.redirects import registrable


class Realm(StrEnum):
    """Two worlds that never meet: a clerk is a citizen too, and never by accident."""

    CITIZEN = "citizen"
    STAFF = "staff"


ROLES = ("intake", "review", "decide", "deliver", "integrator", "auditor", "administrator")
"""Staff roles: 受理, 审查, 决定, 送达, webhook integration, audit, administration."""
EVERYWHERE = "*"
"""Stands for every organisation in a grant."""
MAX_GRANTS = 4096
"""Characters of JSON that a token's grants may have: services take tokens of at most 8192 characters (kit/auth)."""
SCOPES = ("openid", "profile")
SIGNING_ALGORITHMS = ("RS256", "ES256")
ASSERTION_ALGORITHMS = ("ES256", "PS256", "RS256", "EdDSA")
"""Algorithms of client assertions; none is symmetric, so a public key can never serve as a secret."""
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


def _client_id(value: str) -> str:
    # Security item 16: `sub` of an account is 32 hex digits; a client id must never be taken for one.
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._~-]{1,63}", value):
        raise ValueError("a client id has 2 to 64 characters A-Z a-z 0-9 . _ ~ -")
    if re.fullmatch(r"[0-9a-fA-F-]{32,36}", value):
        raise ValueError("a client id must not look like the id of an account")
    return value


def _redirect(value: str) -> str:
    problem = registrable(value, loopback_http=True)
    if problem:
        raise ValueError(f"this URI {problem}")
    return value


def _absolute(value: str) -> str:
    # RFC 8707 §2: an absolute URI without a fragment.
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+", value) or "#" in value:
        raise ValueError("a resource is an absolute URI without a fragment")
    return value


RedirectUri = Annotated[str, AfterValidator(_redirect)]
Resource = Annotated[str, AfterValidator(_absolute)]


def grants_fit(claims: Sequence[dict[str, str]]) -> bool:
    """Whether a token can carry these grants."""
    return len(json.dumps(claims, separators=(",", ":"))) <= MAX_GRANTS


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=False)


class ClientName(_Strict):
    """The client's name as people see it on the sign-in page."""

    zh: str = Field(min_length=1, max_length=80)
    en: str = Field(min_length=1, max_length=80)


class ClientGrant(_Strict):
    """A role at an organisation that the client's own tokens carry."""

    organisation: str = Field(min_length=1, max_length=128)
    role: Literal["intake", "review", "decide", "deliver", "integrator", "auditor", "administrator"]

    def claim(self) -> dict[str, str]:
        """The grant as the `grants` claim of a token carries it."""
        return {"org": self.organisation, "role": self.role}


class ClientDeclaration(_Strict):
    """A client as the operator declares it (names of RFC 7591 §2 where it has one). Unknown members are refused."""

    client_id: Annotated[str, AfterValidator(_client_id)]
    client_name: ClientName
    realm: Realm | None = None
    application_type: Literal["web", "native"] = "web"
    grant_types: tuple[Literal["authorization_code", "refresh_token", "client_credentials"], ...] = Field(min_length=1)
    token_endpoint_auth_method: Literal["private_key_jwt", "none"] = "private_key_jwt"
    jwks: dict[str, Any] | None = None
    redirect_uris: tuple[RedirectUri, ...] = ()
    post_logout_redirect_uris: tuple[RedirectUri, ...] = ()
    backchannel_logout_uri: RedirectUri | None = None
    require_pkce: bool = True
    id_token_signed_response_alg: Literal["RS256", "ES256"] = "RS256"
    resources: tuple[Resource, ...] = ()
    grants: tuple[ClientGrant, ...] = ()
    client_uri: RedirectUri | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        interactive = "authorization_code" in self.grant_types
        if interactive != bool(self.realm):
            raise ValueError("a client has a realm exactly when people sign in through it (authorization_code)")
        if interactive != bool(self.redirect_uris):
            raise ValueError("redirect_uris are for clients with authorization_code, which need them")
        if "refresh_token" in self.grant_types and not interactive:
            raise ValueError("refresh_token goes with authorization_code")
        if self.token_endpoint_auth_method == "none":
            if "client_credentials" in self.grant_types:
                raise ValueError("a public client has no client_credentials")
            if not self.require_pkce:
                raise ValueError("a public client must use PKCE")
            if self.jwks is not None:
                raise ValueError("a public client has no jwks")
        elif self.jwks is None:
            raise ValueError("private_key_jwt needs jwks")
        if self.jwks is not None:
            _check_keys(self.jwks)
        if not grants_fit([grant.claim() for grant in self.grants]):
            raise ValueError("more grants than a token can carry")
        return self


def _check_keys(jwks: dict[str, Any]) -> None:
    keys = jwks.get("keys")
    if not isinstance(keys, list) or not keys or len(keys) > 10:
        raise ValueError("jwks has 1 to 10 keys")
    for key in keys:
        if not isinstance(key, dict) or _PRIVATE_MEMBERS & key.keys() or key.get("kty") not in ("EC", "RSA", "OKP"):
            raise ValueError("jwks holds public EC, RSA or OKP keys only")
    try:
        KeySet.import_key_set({"keys": keys})
    except (JoseError, ValueError, TypeError, KeyError):
        raise ValueError("jwks cannot be read") from None


class Client(ClientDeclaration):
    """A declared client as the provider works with it."""

    @cached_property
    def keys(self) -> KeySet:
        """The client's public keys, parsed once."""
        return KeySet.import_key_set({"keys": (self.jwks or {}).get("keys", [])})

    @property
    def public(self) -> bool:
        return self.token_endpoint_auth_method == "none"

    @property
    def pkce_required(self) -> bool:
        return self.require_pkce or self.public

    def may(self, grant_type: str) -> bool:
        """Whether the client may use `grant_type`."""
        return grant_type in self.grant_types
