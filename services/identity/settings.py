"""Settings of identity. Every life is in seconds."""

from pathlib import Path
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

import yaml
from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from services.identity.domain.clients import ClientDeclaration
from services.identity.domain.local_clients import local_clients
from services.identity.domain.redirects import LOOPBACK
from services.kit.settings import SURFACES, Profile, ServiceSettings, surface_origin


def _declarations(value: Any) -> Any:
    # JSON is YAML too, so one reader serves both.
    if isinstance(value, str):
        try:
            return yaml.safe_load(value)
        except yaml.YAMLError:
            raise ValueError("is neither JSON nor YAML") from None
    return value


def _session_idle(given: dict[str, Any]) -> int:
    # People are active at a surface, which keeps their 15 minutes (its own setting); here it comes only to refresh its
    # access token. At a person's last click that may be a token's life ago, noted half a minute late (TOUCH), and
    # clocks differ. The SSO session must not end first, or "go on" on a surface's page would go on to nothing.
    return 15 * 60 + int(given.get("access_token_seconds", 300)) + 60


Declarations = Annotated[tuple[ClientDeclaration, ...], BeforeValidator(_declarations)]


class IdentitySettings(ServiceSettings):
    """What the OpenID provider is told."""

    service: ClassVar[str] = "identity"

    clients: Declarations = Field((), description="clients to declare at the start, JSON or YAML (or _FILE)")
    code_seconds: int = Field(60, ge=5, le=60, description="life of an authorization code")
    access_token_seconds: int = Field(300, ge=30, le=3600)
    id_token_seconds: int = Field(300, ge=30, le=3600)
    refresh_token_seconds: int = Field(12 * 3600, ge=60)
    refresh_grace_seconds: int = Field(
        10, ge=0, le=60, description="for how long a used refresh token may be sent again after a lost reply; 0: never"
    )
    pushed_request_seconds: int = Field(
        60, ge=5, le=599, description="life of a pushed request until a browser comes with it (FAPI 2.0: under 600)"
    )
    sign_in_seconds: int = Field(600, ge=60, le=3600, description="and how long somebody may take over it from then on")
    assertion_seconds: int = Field(300, ge=10, le=600, description="longest life of a client assertion")
    dpop_nonce_required: bool = Field(True, description="whether DPoP proofs must hold a nonce of ours (RFC 9449 §8)")
    dpop_nonce_seconds: int = Field(120, ge=10, le=3600, description="a nonce is taken for this long, or twice as long")
    dpop_proof_seconds: int = Field(60, ge=5, le=300, description="how far from now a DPoP proof's iat may be")
    clock_skew_seconds: int = Field(10, ge=0, le=60)
    session_idle_seconds: int = Field(
        default_factory=_session_idle,
        ge=30,
        description="default: 15 minutes, the life of an access token and 1 minute more",
    )
    session_absolute_seconds: int = Field(12 * 3600, ge=60)
    fresh_seconds: int = Field(
        15 * 60, ge=60, description="changes on the account pages ask for the password after this long"
    )
    enrolment_seconds: int = Field(24 * 3600, ge=60, description="life of a one-time link that sets a password")
    lockout_failures: int = Field(10, ge=1, description="wrong passwords for one user name before it is locked")
    lockout_address_failures: int = Field(100, ge=1, description="the same, from one address")
    lockout_seconds: int = Field(600, ge=1)
    password_threads: int = Field(2, ge=1, description="password hashes computed at the same time")
    password_queue: int = Field(64, ge=1, description="sign-ins that may wait for a hash; more are told to try later")
    key_rotation_days: int = Field(90, ge=1)
    key_publish_seconds: int = Field(600, ge=0, description="how long a key is published before it may sign")
    prune_seconds: float = Field(60, gt=0, description="pause between rounds of removing what has expired")
    assets_dir: Path = Field(Path(".assets/web"), description="where the pages' installed assets are")

    @field_validator("issuer")
    @classmethod
    def _issuer(cls, value: str, info: ValidationInfo) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("the issuer is an address without query and fragment (OpenID Connect Discovery §3)")
        if value.endswith("/"):
            # Discovery §4.1 takes it off, and the issuer in tokens would be another one.
            raise ValueError("the issuer has no slash at its end")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK and info.data.get("profile") is Profile.PRODUCTION:
            raise ValueError("the issuer is https (OpenID Connect Discovery §3), http only on a loopback host")
        return value

    @classmethod
    def local_defaults(cls, data_dir: Path) -> dict[str, Any]:
        found = super().local_defaults(data_dir)
        origins = {surface: surface_origin(surface) for surface in SURFACES}
        return found | {"clients": local_clients(data_dir / "secrets", origins)}
