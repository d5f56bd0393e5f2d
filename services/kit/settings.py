"""Settings: read from the environment, checked whole at the start, never a default secret outside the local profile.

A field `kafka` of service `cases` is read from TONGBAN_CASES_KAFKA, else TONGBAN_KAFKA; either may end in _FILE and
then names a file with the value. In the local and test profiles what is missing is derived from the data folder.
"""

import json
import os
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

PREFIX = "TONGBAN_"
SERVICES = ("identity", "catalog", "cases", "notify", "gateway")
KAFKA_PORT = 9292
OTHER_NAMES = frozenset(
    {
        "TONGBAN_FAILPOINTS",
        "TONGBAN_POSTGRES_ADMIN",
        "TONGBAN_KAFKA_HOME",
        "TONGBAN_KAFKA_PORT",
        "TONGBAN_KAFKA_CONTROLLER_PORT",
    }
)
"""Names that are read elsewhere than in a settings class: test failpoints, `databases create`, the local Kafka."""

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
SURFACES = ("portal", "kiosk", "desk")
"""Sites of the gateway; on a developer's machine each has the next port."""
BEHIND_GATEWAY = ("catalog", "cases", "notify")
"""Services whose API people's programs reach at the gateway, as `/api/<service>`."""
PORTS = {"identity": 8083, "catalog": 8084, "cases": 8085, "notify": 8086, "gateway": 8080}
MANAGEMENT_PORTS = {"identity": 8093, "catalog": 8094, "cases": 8095, "notify": 8096, "gateway": 8090}


class SettingsError(Exception):
    """The settings cannot be used; one line that names the setting."""


class Profile(StrEnum):
    LOCAL = "local"
    TEST = "test"
    PRODUCTION = "production"

    @property
    def derives(self) -> bool:
        """Whether what is missing is derived from the data folder."""
        return self is not Profile.PRODUCTION


def _comma_list(value: Any) -> Any:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _json_text(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


CommaList = Annotated[tuple[str, ...], BeforeValidator(_comma_list)]
CommaSecrets = Annotated[tuple[SecretStr, ...], BeforeValidator(_comma_list)]
JsonText = BeforeValidator(_json_text)
"""Marks a field whose environment value is JSON: `Annotated[dict[str, int], JsonText]`."""


class _Environment(PydanticBaseSettingsSource):
    """Reads TONGBAN_<SERVICE>_<FIELD>, then TONGBAN_<FIELD>, each also as a file."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        raise AssertionError("fields are read in __call__")

    def __call__(self) -> dict[str, Any]:
        cls = self.settings_cls
        assert issubclass(cls, ServiceSettings)
        found = {}
        for field in cls.model_fields:
            for name in cls.environment_names(field):
                value = read_name(name)
                if value is not None:
                    found[field] = value
                    break
        return found


def read_name(name: str) -> str | None:
    """The value of one environment name or of the file that NAME_FILE points to; an empty value counts as absent."""
    value = os.environ.get(name)
    if value:
        return value
    path = os.environ.get(f"{name}_FILE")
    if not path:
        return None
    try:
        return Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{name}_FILE: {path} cannot be read ({type(error).__name__})") from None


class ServiceSettings(BaseSettings):
    """What every service is told. A service subclasses it, names itself in `service` and adds its own fields."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True, validate_default=False)

    service: ClassVar[str] = ""
    required: ClassVar[tuple[str, ...]] = ("database_url", "kafka", "issuer", "master_key")
    """Fields that have no default outside the local and test profiles."""

    profile: Profile = Profile.PRODUCTION
    data_dir: Path = Path(".data")
    database_url: str = Field("", description="SQLAlchemy URL of this service's own database, limited role")
    migration_database_url: str = Field("", description="the same database as its owner, for migrations")
    database_pool: int = Field(
        10, ge=1, description="connections for transactions; as many again where single statements need them (identity)"
    )
    kafka: CommaList = Field((), description="Kafka bootstrap servers, host:port, comma-separated")
    kafka_username: str = ""
    kafka_password: SecretStr = SecretStr("")
    kafka_ca_file: str = Field("", description="CA certificate of Kafka's TLS listeners; empty means no TLS")
    topic_prefix: str = Field("", description="put before every topic name and consumer group, for shared clusters")
    host: str = "127.0.0.1"
    port: int = Field(0, ge=0, le=65535)
    management_host: str = "127.0.0.1"
    management_port: int = Field(0, ge=0, le=65535)
    issuer: str = Field("", description="address of the identity service as its tokens name it")
    jwks_url: str = Field("", description="where the issuer's keys are read; default: the issuer's /jwks")
    private_key: SecretStr = Field(SecretStr(""), description="this service's own client key, a private JWK (ES256)")
    master_key: SecretStr = Field(SecretStr(""), description="32 bytes in base64 that wrap this service's data keys")
    previous_master_keys: CommaSecrets = Field((), description="master keys that old data keys may still be wrapped by")
    outbound_allowed_networks: CommaList = Field((), description="private networks that deliveries may go to")
    outbound_ca_file: str = Field("", description="further CA certificates trusted for outgoing calls")
    trusted_proxies: CommaList = Field((), description="networks of proxies whose X-Forwarded-For is believed")
    client_certificate_header: str = Field(
        "", description="header in which those proxies tell the client certificate (RFC 9440, or PEM url-encoded)"
    )
    public_url: str = Field("", description="address of this service's API as its callers know it (RFC 9728)")
    storage_url: str = Field("", description="where files go: file:///path or s3://bucket/prefix")
    log_level: str = "INFO"
    shutdown_seconds: float = Field(4.0, gt=0)

    @field_validator("public_url")
    @classmethod
    def _public_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("https", "http") or not parts.hostname or parts.query or parts.fragment):
            raise ValueError("is an address without query and fragment (RFC 9728 §1.2)")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise ValueError("is https (RFC 9728 §1.2), http only on a loopback host")
        return value.rstrip("/")

    @field_validator("client_certificate_header")
    @classmethod
    def _certificate_header(cls, value: str, info: ValidationInfo) -> str:
        if value and not info.data.get("trusted_proxies"):
            raise ValueError("goes with trusted_proxies: of anybody else it would be believed, too")
        return value

    @classmethod
    def environment_names(cls, field: str) -> tuple[str, str]:
        """Names that `field` is read from, most particular first."""
        return f"{PREFIX}{cls.service.upper()}_{field.upper()}", f"{PREFIX}{field.upper()}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, _Environment(settings_cls)

    @classmethod
    def local_defaults(cls, data_dir: Path) -> dict[str, Any]:
        """What the local and test profiles derive where nothing is set. Subclasses add their own fields."""
        name = cls.service
        secrets = data_dir / "secrets"
        found: dict[str, Any] = {
            "database_url": f"sqlite+aiosqlite:///{(data_dir / 'sqlite' / f'{name}.db').resolve()}",
            "kafka": f"127.0.0.1:{port_number(f'{PREFIX}KAFKA_PORT', KAFKA_PORT)}",
            "issuer": f"http://localhost:{local_port('identity')}",
            "port": local_port(name),
            "management_port": port_number(f"{PREFIX}{name.upper()}_MANAGEMENT_PORT", MANAGEMENT_PORTS[name]),
            "storage_url": f"file://{(data_dir / 'files' / name).resolve()}",
            "outbound_allowed_networks": "127.0.0.0/8,::1/128",
        }
        if name in BEHIND_GATEWAY:
            found["public_url"] = f"{surface_origin('portal')}/api/{name}"
        for field, path in (
            ("private_key", f"{name}.jwk"),
            ("master_key", f"{name}.master"),
            ("database_url", f"{name}.database_url"),
            ("migration_database_url", f"{name}.migration_database_url"),
        ):
            if (secrets / path).is_file():
                found[field] = (secrets / path).read_text("utf-8").strip()
        return found

    @classmethod
    def load(cls, **given: Any) -> Self:
        """Read and check the settings. Raises SettingsError with one line that names the setting."""
        try:
            settings = cls(**given)
            if settings.profile.derives:
                present = settings.model_fields_set
                missing = {k: v for k, v in cls.local_defaults(settings.data_dir).items() if k not in present}
                settings = cls(**(given | missing))
        except ValidationError as error:
            problem = error.errors(include_input=False, include_url=False)[0]
            field = str(problem["loc"][0]) if problem["loc"] else "?"
            tried = cls.environment_names(field)
            read = next((name for name in tried if read_name(name) is not None), tried[0])
            raise SettingsError(f"{read}: {problem['msg']}") from None
        except json.JSONDecodeError as error:
            raise SettingsError(f"a setting of {cls.service} is no JSON: {error.msg}") from None
        for field in cls.required:
            if not _present(getattr(settings, field)):
                hint = "run `tongban migrate` first" if settings.profile.derives else "it has no default"
                names = " or ".join(dict.fromkeys(cls.environment_names(field)))
                raise SettingsError(f"{names} is not set: {hint} in the {settings.profile} profile")
        return settings

    @property
    def audience(self) -> str:
        """This service's resource indicator (RFC 8707)."""
        return f"urn:tongban:{self.service}"


def _present(value: Any) -> bool:
    return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)


def local_port(service: str) -> int:
    """The HTTP port of `service` on this machine in the local and test profiles."""
    return port_number(f"{PREFIX}{service.upper()}_PORT", PORTS[service])


def surface_origin(surface: str) -> str:
    """The origin of one of the gateway's surfaces, as it reads it, in the local and test profiles."""
    named = read_name(f"{PREFIX}GATEWAY_{surface.upper()}_ORIGIN") or read_name(f"{PREFIX}{surface.upper()}_ORIGIN")
    return named or f"http://localhost:{local_port('gateway') + SURFACES.index(surface)}"


def port_number(name: str, default: int) -> int:
    """The port that the environment name `name` tells. Raises SettingsError for anything else that it tells."""
    text = read_name(name) or str(default)
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise SettingsError(f"{name}: {text!r} is not a port number")
    return int(text)


def known_names(classes: Iterable[type[ServiceSettings]]) -> frozenset[str]:
    """Every TONGBAN_* name that some service reads."""
    names = {name for cls in classes for field in cls.model_fields for name in cls.environment_names(field)}
    return frozenset(names | {f"{name}_FILE" for name in names} | OTHER_NAMES)


def check_names(classes: Iterable[type[ServiceSettings]], environment: Mapping[str, str] = os.environ) -> None:
    """Refuse a TONGBAN_* name that nobody reads. Raises SettingsError naming it and, if one is near, what was meant."""
    known = known_names(classes)
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known:
            from difflib import get_close_matches

            near = get_close_matches(name, known, 1)
            raise SettingsError(f"unknown setting {name}" + (f": do you mean {near[0]}?" if near else ""))
