"""Settings of notify."""

from pathlib import Path
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field

from services.kit.deliveries import Policy
from services.kit.deliveries.rules import SCHEDULE
from services.kit.settings import ServiceSettings


def _numbers(value: Any) -> Any:
    return tuple(float(part) for part in value.split(",") if part.strip()) if isinstance(value, str) else value


class NotifySettings(ServiceSettings):
    service: ClassVar[str] = "notify"

    webhook_origin: str = Field(
        "", description="how we name ourselves in the CloudEvents handshake; default: the host name of the issuer"
    )
    delivery_schedule: Annotated[tuple[float, ...], BeforeValidator(_numbers)] = Field(
        SCHEDULE, min_length=1, description="seconds before the first, second … try, comma-separated; the last repeats"
    )
    delivery_give_up_hours: float = Field(120.0, gt=0, description="how long a sink may fail before it is disabled")
    delivery_timeout_seconds: float = Field(20.0, gt=0, le=30)
    delivery_probe_seconds: float = Field(60.0, gt=0, description="how often an endpoint that is down is looked after")

    step_up_seconds: int = Field(
        3600, ge=0, description="how long ago people may have signed in to see a new webhook secret; 0: whenever"
    )

    @classmethod
    def local_defaults(cls, data_dir: Path) -> dict[str, Any]:
        # On a developer's machine a receiver is started and stopped by hand: look after it every 5 seconds.
        return super().local_defaults(data_dir) | {"delivery_probe_seconds": 5.0}

    @property
    def origin(self) -> str:
        """The value of `WebHook-Request-Origin` (CloudEvents HTTP web hooks §4.1.1): a DNS name."""
        return self.webhook_origin or urlsplit(self.issuer).hostname or "localhost"

    @property
    def policy(self) -> Policy:
        """How deliveries are tried."""
        return Policy(
            schedule=self.delivery_schedule,
            give_up=self.delivery_give_up_hours * 3600,
            probe=self.delivery_probe_seconds,
            timeout=self.delivery_timeout_seconds,
            lease=self.delivery_timeout_seconds + 15,
        )
