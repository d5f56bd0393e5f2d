"""Settings of the gateway. Every life is in seconds."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from services.kit.settings import SURFACES, CommaList, ServiceSettings, SettingsError, local_port, surface_origin


@dataclass(frozen=True, slots=True)
class Lives:
    """How long a browser session lasts: idle, altogether, and how long before an end it is warned of."""

    idle: int
    absolute: int
    warning: int


class GatewaySettings(ServiceSettings):
    """What the gateway is told. A surface that has no origin here is not served by this process."""

    service: ClassVar[str] = "gateway"
    required: ClassVar[tuple[str, ...]] = (*ServiceSettings.required, "private_key", "surfaces")

    surfaces: CommaList = Field((), description="surfaces to serve here: portal, kiosk, desk")
    portal_origin: str = Field("", description="public origin of the citizens' portal")
    kiosk_origin: str = Field("", description="public origin of the kiosk")
    desk_origin: str = Field("", description="public origin of the departments' desk")
    portal_private_key: SecretStr = Field(SecretStr(""), description="client key of the portal, a private JWK (ES256)")
    kiosk_private_key: SecretStr = SecretStr("")
    desk_private_key: SecretStr = SecretStr("")
    catalog_url: str = ""
    cases_url: str = ""
    notify_url: str = ""
    assets_dir: Path = Field(Path(".assets/web"), description="where the pages' installed assets are")

    idle_seconds: int = Field(15 * 60, ge=30)
    absolute_seconds: int = Field(12 * 3600, ge=60)
    warning_seconds: int = Field(150, ge=20, description="how long before its end a session is warned of")
    kiosk_idle_seconds: int = Field(60, ge=10)
    kiosk_absolute_seconds: int = Field(30 * 60, ge=60)
    kiosk_warning_seconds: int = Field(25, ge=5)
    kiosk_kept_seconds: int = Field(
        12 * 3600, ge=0, description="how long a kiosk session that ran out can still be signed out at the provider"
    )
    call_seconds: float = Field(8.0, gt=0, description="longest wait for a service behind a page")
    upload_bytes: int = Field(30 * 1024 * 1024, ge=1024, description="largest upload taken at the edge")
    page_rate: str = Field("600/minute", description="requests from one address to pages (limits notation)")
    post_rate: str = Field("120/minute", description="forms from one address")
    session_rate: str = Field("600/minute", description="questions after sessions' ends from one address")
    api_rate: str = Field("1200/minute", description="calls from one address to /api")
    live_streams: int = Field(2000, ge=1, description="open live streams in one process")

    @field_validator("portal_origin", "kiosk_origin", "desk_origin")
    @classmethod
    def _origin(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query):
            raise ValueError("an origin is scheme://host or scheme://host:port, without a path")
        return value.lower()

    @classmethod
    def local_defaults(cls, data_dir: Path) -> dict[str, Any]:
        found = super().local_defaults(data_dir) | {"surfaces": "portal,kiosk,desk"}
        for surface in SURFACES:
            found[f"{surface}_origin"] = surface_origin(surface)
            key = data_dir / "secrets" / f"{surface}.jwk"
            if key.is_file():
                found[f"{surface}_private_key"] = key.read_text("utf-8").strip()
        for service in ("catalog", "cases", "notify"):
            found[f"{service}_url"] = f"http://127.0.0.1:{local_port(service)}"
        return found

    def origin(self, surface: str) -> str:
        """The public origin of `surface`. Raises SettingsError."""
        return self._of(surface, "origin", str(getattr(self, f"{surface}_origin", "")))

    def client_key(self, surface: str) -> str:
        """The private JWK of the surface's OAuth client. Raises SettingsError."""
        secret = getattr(self, f"{surface}_private_key", SecretStr(""))
        return self._of(surface, "private_key", secret.get_secret_value())

    def service_url(self, service: str) -> str:
        """Where `service` answers inside. Raises SettingsError."""
        return self._of(service, "url", str(getattr(self, f"{service}_url"))).rstrip("/")

    def lives(self, surface: str) -> Lives:
        """How long sessions of `surface` last."""
        if surface == "kiosk":
            return Lives(self.kiosk_idle_seconds, self.kiosk_absolute_seconds, self.kiosk_warning_seconds)
        return Lives(self.idle_seconds, self.absolute_seconds, self.warning_seconds)

    def listen_ports(self) -> list[int]:
        """Ports to bind: in the local and test profiles each origin's own, else the one of `port`."""
        if not self.profile.derives:
            return [self.port]
        origins = [urlsplit(self.origin(surface)) for surface in self.surfaces]
        return sorted({o.port or (443 if o.scheme == "https" else 80) for o in origins})

    def _of(self, owner: str, field: str, value: str) -> str:
        if not value:
            raise SettingsError(f"{self.environment_names(f'{owner}_{field}')[0]} is not set")
        return value
