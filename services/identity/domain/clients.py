"""Clients (relying parties): what may be declared, strictly checked, and what the provider knows of one."""

import json
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal, Self, get_args
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, KeySet, RSAKey
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, SecretStr, model_validator

from services.identity.domain.encryption import encryption_key
from services.identity.domain.redirects import form_target, of_an_app, origin, registrable


class Realm(StrEnum):
    """Two worlds that never meet: a clerk is a citizen too, and never by accident."""

    CITIZEN = "citizen"
    STAFF = "staff"


Role = Literal[
    "intake", "review", "decide", "deliver", "editor", "reviewer", "registrar", "integrator", "auditor", "administrator"
]
ROLES: tuple[Role, ...] = get_args(Role)
"""Staff roles: 受理, 审查, 决定, 送达; of the catalogue: writing, reviewing, keeping it; webhook integration, audit,
administration."""
EVERYWHERE = "*"
"""Stands for every organisation in a grant."""
MAX_GRANTS = 4096
"""Characters of JSON that a token's grants may have: services take tokens of at most 8192 characters (kit/auth)."""
SCOPES = ("openid", "profile", "email", "address", "phone", "offline_access")
"""OpenID Connect Core §5.4 and §11."""
SigningAlgorithm = Literal["RS256", "ES256", "PS256", "EdDSA"]
SIGNING_ALGORITHMS: tuple[SigningAlgorithm, ...] = get_args(SigningAlgorithm)
"""Algorithms that the provider signs with; none is symmetric, so a public key can never serve as a secret."""
ASSERTION_ALGORITHMS = ("ES256", "PS256", "RS256", "EdDSA")
"""Algorithms of client assertions, request objects and DPoP proofs."""
FAPI2_ALGORITHMS = ("PS256", "ES256", "EdDSA")
"""FAPI 2.0 Security Profile §5.4."""
KeyEncryption = Literal["RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW"]
ContentEncryption = Literal["A128CBC-HS256", "A128GCM", "A256GCM"]
KEY_ENCRYPTIONS: tuple[KeyEncryption, ...] = get_args(KeyEncryption)
CONTENT_ENCRYPTIONS: tuple[ContentEncryption, ...] = get_args(ContentEncryption)
SECRET_METHODS = ("client_secret_basic", "client_secret_post")
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


def _client_id(value: str) -> str:
    # Security item 16: `sub` is 32 hex digits, pairwise 64; a client id must never be taken for one.
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._~-]{1,63}", value):
        raise ValueError("a client id has 2 to 64 characters A-Z a-z 0-9 . _ ~ -")
    if re.fullmatch(r"[0-9a-fA-F-]{32,36}|[0-9a-fA-F]{64}", value):
        raise ValueError("a client id must not look like the id of an account")
    return value


def _redirect(value: str) -> str:
    problem = registrable(value, loopback_http=True)
    if problem:
        raise ValueError(f"this URI {problem}")
    return value


def _way_back(value: str) -> str:
    problem = registrable(value, loopback_http=True, private_use=True)
    if problem:
        raise ValueError(f"this URI {problem}")
    return value


def _absolute(value: str) -> str:
    # RFC 8707 §2: an absolute URI without a fragment.
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+", value) or "#" in value:
        raise ValueError("a resource is an absolute URI without a fragment")
    return value


def _origin(value: str) -> str:
    if _redirect(value) and value != origin(value):
        raise ValueError("an origin is scheme, host and port alone")
    return value


Origin = Annotated[str, AfterValidator(_origin)]
RedirectUri = Annotated[str, AfterValidator(_redirect)]
WayBack = Annotated[str, AfterValidator(_way_back)]
"""An address that people are sent back to; of an app on their device it may have a scheme of its own."""
Resource = Annotated[str, AfterValidator(_absolute)]


def grants_fit(claims: Sequence[dict[str, str]]) -> bool:
    """Whether a token can carry these grants."""
    return len(json.dumps(claims, separators=(",", ":"))) <= MAX_GRANTS


def _secret(value: SecretStr) -> SecretStr:
    # RFC 6749 appendix A.2: printable ASCII. So long that nobody finds it by asking here.
    if not re.fullmatch(r"[ -~]{16,255}", value.get_secret_value()):
        raise ValueError("a client secret has 16 to 255 characters of printable ASCII")
    return value


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=False)


class ClientName(_Strict):
    """The client's name as people see it on the sign-in page."""

    zh: str = Field(min_length=1, max_length=80)
    en: str = Field(min_length=1, max_length=80)


class ClientGrant(_Strict):
    """A role at an organisation that the client's own tokens carry."""

    organisation: str = Field(min_length=1, max_length=128)
    role: Role

    def claim(self) -> dict[str, str]:
        """The grant as the `grants` claim of a token carries it."""
        return {"org": self.organisation, "role": self.role}


def _introspection_alg(given: dict[str, Any]) -> Any:
    # RFC 9701 §6; FAPI 2.0 Security Profile §5.4 forbids RS256, which its ID tokens do not have either.
    return given.get("id_token_signed_response_alg", "RS256") if given.get("profile") == "fapi2" else "RS256"


class ClientDeclaration(_Strict):
    """A client as the operator declares it (names of RFC 7591 §2, OpenID Connect Registration §2 and their extensions,
    where they have one). Unknown members are refused.
    """

    client_id: Annotated[str, AfterValidator(_client_id)]
    client_name: ClientName
    profile: Literal["standard", "fapi2"] = "standard"
    first_party: bool = False
    """Our own surfaces: people are not asked whether they agree to what they came for."""
    realm: Realm | None = None
    application_type: Literal["web", "native"] = "web"
    grant_types: tuple[Literal["authorization_code", "refresh_token", "client_credentials"], ...] = Field(min_length=1)
    token_endpoint_auth_method: Literal["private_key_jwt", "client_secret_basic", "client_secret_post", "none"] = (
        "private_key_jwt"
    )
    client_secret: Annotated[SecretStr, AfterValidator(_secret)] | None = None
    jwks: dict[str, Any] | None = None
    redirect_uris: tuple[WayBack, ...] = ()
    allowed_origins: tuple[Origin, ...] = ()
    """Origins whose scripts may call token, userinfo, discovery and JWKS (CORS)."""
    silent_frame: bool = False
    """Whether `prompt=none` is answered in a hidden frame of the client's (same-site) pages."""
    post_logout_redirect_uris: tuple[WayBack, ...] = ()
    backchannel_logout_uri: RedirectUri | None = None
    backchannel_logout_session_required: bool = True
    frontchannel_logout_uri: RedirectUri | None = None
    frontchannel_logout_session_required: bool = True
    require_pkce: bool = True
    require_pushed_authorization_requests: bool = False
    require_signed_request_object: bool = False
    request_object_signing_alg: SigningAlgorithm | None = None
    dpop_bound_access_tokens: bool = False
    tls_client_certificate_bound_access_tokens: bool = False
    subject_type: Literal["public", "pairwise"] = "public"
    sector_identifier_uri: RedirectUri | None = None
    """Its host is the pairwise sector (OpenID Connect Core §8.1); the operator vouches for it, it is never fetched."""
    id_token_signed_response_alg: SigningAlgorithm = "RS256"
    id_token_encrypted_response_alg: KeyEncryption | None = None
    id_token_encrypted_response_enc: ContentEncryption = "A128CBC-HS256"
    userinfo_signed_response_alg: SigningAlgorithm | None = None
    userinfo_encrypted_response_alg: KeyEncryption | None = None
    userinfo_encrypted_response_enc: ContentEncryption = "A128CBC-HS256"
    introspection_signed_response_alg: SigningAlgorithm = Field(default_factory=_introspection_alg)
    default_max_age: int | None = Field(None, ge=0, le=10**9)
    default_acr_values: tuple[str, ...] = ()
    require_auth_time: bool = False
    scopes: tuple[str, ...] = SCOPES
    """Scopes that the client may ask for."""
    resources: tuple[Resource, ...] = ()
    grants: tuple[ClientGrant, ...] = ()
    _stored: ClassVar[bool] = False
    """Whether it was checked before: its secret is elsewhere, its keys are parsed when they are needed."""
    client_uri: RedirectUri | None = None
    policy_uri: RedirectUri | None = None
    tos_uri: RedirectUri | None = None

    @cached_property
    def keys(self) -> KeySet:
        """The client's public keys, parsed once."""
        return KeySet.import_key_set({"keys": self.jwks["keys"]}) if self.jwks else KeySet([])

    @model_validator(mode="after")
    def _fits(self) -> Self:
        interactive = "authorization_code" in self.grant_types
        if interactive != bool(self.realm):
            raise ValueError("a client has a realm exactly when people sign in through it (authorization_code)")
        if interactive != bool(self.redirect_uris):
            raise ValueError("redirect_uris are for clients with authorization_code, which need them")
        if self.application_type != "native" and any(
            map(of_an_app, (*self.redirect_uris, *self.post_logout_redirect_uris))
        ):
            raise ValueError("schemes of apps are for application_type native (RFC 8252 §7.1)")
        if "refresh_token" in self.grant_types and not interactive:
            raise ValueError("refresh_token goes with authorization_code")
        if self.token_endpoint_auth_method == "none":
            if "client_credentials" in self.grant_types:
                raise ValueError("a public client has no client_credentials")
            if not self.require_pkce:
                raise ValueError("a public client must use PKCE")
            if self.jwks is not None:
                raise ValueError("a public client has no jwks")
        elif self.token_endpoint_auth_method == "private_key_jwt" and self.jwks is None:
            raise ValueError("private_key_jwt needs jwks")
        if self.client_secret is not None and self.token_endpoint_auth_method not in SECRET_METHODS:
            raise ValueError("a client secret goes with client_secret_basic or client_secret_post")
        if self.client_secret is None and self.token_endpoint_auth_method in SECRET_METHODS and not self._stored:
            raise ValueError(f"{self.token_endpoint_auth_method} needs client_secret")
        if self.jwks is not None and not self._stored:
            _check_keys(self.jwks)
        self._check_subjects()
        self._check_encryption()
        if (uri := self.frontchannel_logout_uri) and origin(uri) not in map(origin, self.redirect_uris):
            raise ValueError("frontchannel_logout_uri has the origin of a redirect URI (Front-Channel Logout §2)")
        if self.profile == "fapi2":
            self._check_fapi2()
        if not grants_fit([grant.claim() for grant in self.grants]):
            raise ValueError("more grants than a token can carry")
        return self

    def _check_subjects(self) -> None:
        if self.subject_type != "pairwise":
            return
        if self.resources:
            raise ValueError("our own services know people by their public subject: a pairwise client has no resources")
        if self.sector_identifier_uri is None and any(of_an_app(uri) for uri in self.redirect_uris):
            raise ValueError("redirect_uris without a host need sector_identifier_uri (OpenID Connect Core §8.1)")
        if self.sector_identifier_uri is None and len({urlsplit(uri).hostname for uri in self.redirect_uris}) > 1:
            raise ValueError("redirect_uris of several hosts need sector_identifier_uri (OpenID Connect Core §8.1)")

    def _check_encryption(self) -> None:
        if self._stored:
            return
        for algorithm in (self.id_token_encrypted_response_alg, self.userinfo_encrypted_response_alg):
            if algorithm is None:
                continue
            if encryption_key(self.keys, algorithm) is None:
                raise ValueError(f"{algorithm} needs a key in jwks that fits and has use enc")

    def _check_fapi2(self) -> None:
        """FAPI 2.0 Security Profile §5.3.2 and §5.4: what a client of this profile must be."""
        if self.token_endpoint_auth_method != "private_key_jwt":
            raise ValueError("fapi2: the client authenticates by private_key_jwt")
        if not (self.dpop_bound_access_tokens or self.tls_client_certificate_bound_access_tokens):
            raise ValueError("fapi2: access tokens are bound by DPoP or mutual TLS")
        if not self.require_pkce:
            raise ValueError("fapi2: PKCE is required")
        schemes = ("https:", "http:") if self.application_type == "native" else ("https:",)
        if any(not uri.startswith(schemes) for uri in self.redirect_uris):
            raise ValueError("fapi2: redirect_uris are https, on loopback hosts of native clients alone http")
        used = (
            self.id_token_signed_response_alg,
            self.userinfo_signed_response_alg,
            self.introspection_signed_response_alg,
            self.request_object_signing_alg,
        )
        if any(algorithm not in (None, *FAPI2_ALGORITHMS) for algorithm in used):
            raise ValueError("fapi2: algorithms are PS256, ES256, EdDSA")


def _check_keys(jwks: dict[str, Any]) -> None:
    keys = jwks.get("keys")
    if not isinstance(keys, list) or not keys or len(keys) > 10:
        raise ValueError("jwks has 1 to 10 keys")
    for key in keys:
        if not isinstance(key, dict) or _PRIVATE_MEMBERS & key.keys() or key.get("kty") not in ("EC", "RSA", "OKP"):
            raise ValueError("jwks holds public EC, RSA or OKP keys only")
    try:
        found = KeySet.import_key_set({"keys": keys})
        weak = [key for key in found.keys if not _strong(key)]
    except (JoseError, ValueError, TypeError, KeyError):
        raise ValueError("jwks cannot be read") from None
    if weak:
        # RFC 7518 §3.3, FAPI 2.0 Security Profile §5.4; an upper end, since every request would pay for a larger one.
        raise ValueError("jwks: RSA keys have 2048 to 8192 bits, EC keys are on P-256, P-384 or P-521")


def _strong(key: Key) -> bool:
    if isinstance(key, RSAKey):
        return 2048 <= key.public_key.key_size <= 8192
    return not isinstance(key, ECKey) or key.curve_name in ("P-256", "P-384", "P-521")


class Client(ClientDeclaration):
    """A declared client as the provider works with it: its secret is in the database, as a keyed digest."""

    _stored: ClassVar[bool] = True
    _secret_digest: str | None = PrivateAttr(None)

    @classmethod
    def stored(cls, document: Mapping[str, Any], secret_digest: str | None) -> Self:
        """The client of a row. The digest is no field, so that nothing shows or dumps it."""
        client = cls.model_validate(document)
        client._secret_digest = secret_digest
        return client

    @property
    def secret_digest(self) -> str | None:
        """Keyed digest of its secret."""
        return self._secret_digest

    @property
    def public(self) -> bool:
        return self.token_endpoint_auth_method == "none"

    @property
    def fapi2(self) -> bool:
        return self.profile == "fapi2"

    @property
    def pkce_required(self) -> bool:
        return self.require_pkce or self.public

    @property
    def pushed_required(self) -> bool:
        """FAPI 2.0 Security Profile §5.3.2.2: requests are pushed, whatever else is registered."""
        return self.require_pushed_authorization_requests or self.fapi2

    @property
    def sector(self) -> str:
        """The sector of its pairwise subjects (OpenID Connect Core §8.1)."""
        return urlsplit(self.sector_identifier_uri or self.redirect_uris[0]).hostname or ""

    def origins(self, redirect_uri: str) -> tuple[str, ...]:
        """Where a form's answer may lead people: to the redirect URI, and where the client itself leads them on to.

        Chromium applies form-action to every redirect after a post, the client's own among them. Our surfaces have
        registered where that is; a stranger's callback may lead to any https address, as unmodified software does.
        """
        own = (redirect_uri, self.client_uri, *self.post_logout_redirect_uris, *self.allowed_origins)
        found = [form_target(uri) for uri in own if uri]
        return tuple(dict.fromkeys([*found, *(() if self.first_party else ("https:",))]))

    def may(self, grant_type: str) -> bool:
        """Whether the client may use `grant_type`."""
        return grant_type in self.grant_types
