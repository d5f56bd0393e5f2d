"""Settings of identity. Every life is in seconds."""

from pathlib import Path
from typing import Annotated, Any, ClassVar

import yaml
from pydantic import BeforeValidator, Field

from services.identity.domain.clients import ClientDeclaration
from services.identity.domain.local_clients import local_clients
from services.kit.settings import PREFIX, ServiceSettings, local_port, read_name


def _declarations(value: Any) -> Any:
    # JSON is YAML too, so one reader serves both.
    if isinstance(value, str):
        try:
            return yaml.safe_load(value)
        except yaml.YAMLError:
            raise ValueError("is neither JSON nor YAML") from None
    return value


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
    assertion_seconds: int = Field(300, ge=10, le=600, description="longest life of a client assertion")
    clock_skew_seconds: int = Field(10, ge=0, le=60)
    session_idle_seconds: int = Field(15 * 60, ge=30)
    session_absolute_seconds: int = Field(12 * 3600, ge=60)
    lockout_failures: int = Field(10, ge=1, description="wrong passwords for one user name before it is locked")
    lockout_address_failures: int = Field(100, ge=1, description="the same, from one address")
    lockout_seconds: int = Field(600, ge=1)
    password_threads: int = Field(2, ge=1, description="password hashes computed at the same time")
    password_queue: int = Field(64, ge=1, description="sign-ins that may wait for a hash; more are told to try later")
    key_rotation_days: int = Field(90, ge=1)
    key_publish_seconds: int = Field(600, ge=0, description="how long a key is published before it may sign")
    prune_seconds: float = Field(60, gt=0, description="pause between rounds of removing what has expired")
    assets_dir: Path = Field(Path(".assets/web"), description="where the pages' installed assets are")

    @classmethod
    def local_defaults(cls, data_dir: Path) -> dict[str, Any]:
        found = super().local_defaults(data_dir)
        origins = {
            # As the gateway reads them.
            surface: read_name(f"{PREFIX}GATEWAY_{surface.upper()}_ORIGIN")
            or read_name(f"{PREFIX}{surface.upper()}_ORIGIN")
            or f"http://localhost:{local_port('gateway') + offset}"
            for offset, surface in enumerate(("portal", "kiosk", "desk"))
        }
        return found | {"clients": local_clients(data_dir / "secrets", origins)}

    @property
    def secure_issuer(self) -> bool:
        """Whether people reach the provider by TLS."""
        return self.issuer.startswith("https://")
