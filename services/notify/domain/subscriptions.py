"""Subscriptions of departments: what they are, which events they get, how their secrets work."""

import base64
import os
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlsplit

from standardwebhooks.webhooks import Webhook

from services.contracts.base import Envelope
from services.notify.domain import filters

EVERY: Final = "*"
"""Instead of an organisation: every one."""
MAX_SUBSCRIPTIONS: Final = 100
"""Of one organisation."""
MAX_SECRETS: Final = 5
"""Valid at a time, so that the signature header stays short."""
SECRET_PREFIX: Final = "whsec_"


class Status(StrEnum):
    """Where a subscription stands."""

    PENDING = "pending"
    """The sink has not agreed yet. Nothing is queued, unless the subscription's sink before it, or itself, had."""
    ACTIVE = "active"
    PAUSED = "paused"
    """Events are queued and wait."""
    DISABLED = "disabled"
    """Switched off by us, because the sink said 410 or failed for too long."""


QUEUEING: Final = (Status.ACTIVE, Status.PAUSED)


@dataclass(frozen=True, slots=True)
class Subscription:
    """A department's wish to be told (CloudEvents Subscriptions API §3.2.3). Empty `types` means every type."""

    id: str
    organisation: str
    types: tuple[str, ...]
    filters: tuple[dict[str, Any], ...]
    sink: str
    max_in_flight: int
    status: Status
    reason: str | None
    owner: str
    version: int
    created_at: datetime
    changed_at: datetime
    agreed: bool = False
    """Whether a sink of this subscription ever agreed: from then on events are queued while one is asked again."""
    wished: Status = Status.ACTIVE
    """What its owner wants it to be once the sink agrees: active or paused."""

    @property
    def queues(self) -> bool:
        """Whether events are queued for it, to be sent now or later."""
        return self.status in QUEUEING or (self.status is Status.PENDING and self.agreed)

    def wants(self, event: Envelope, organisation: str) -> bool:
        """Whether an event of `organisation`'s case is to be queued for this subscription."""
        return (
            self.queues
            and self.organisation in (EVERY, organisation)
            and (not self.types or event.type in self.types)
            and filters.matches(self.filters, event.attributes())
        )


@dataclass(frozen=True, slots=True)
class Secret:
    """A signing secret (`whsec_…`) and until when it counts; None while it is the newest."""

    id: str
    value: str = field(repr=False)
    expires_at: datetime | None = None


def new_secret() -> str:
    """32 random bytes as Standard Webhooks writes them."""
    return SECRET_PREFIX + base64.b64encode(os.urandom(32)).decode()


def overlap_end(now: datetime, hours: int) -> datetime:
    """Until when the secrets before a rotation still sign."""
    return now + timedelta(hours=hours)


def signed_headers(secrets: list[Secret], event_id: str, now: datetime, body: bytes) -> dict[str, str]:
    """The headers of Standard Webhooks: `event_id` is the same at every try, one signature for each valid secret."""
    text = body.decode()
    valid = [secret for secret in secrets if secret.expires_at is None or secret.expires_at > now]
    signatures = [str(Webhook(secret.value).sign(event_id, now, text)) for secret in valid]
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def sink_problem(url: str) -> str | None:
    """Why a URL can be no sink, or None. Where it leads is for the address guard to judge."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "no URL"
    if parts.scheme not in ("https", "http") or not parts.hostname or port == 0:
        return "an https URL is needed"
    if parts.username is not None or parts.password is not None:
        return "a URL with a user name is not taken"
    if parts.fragment or not url.isascii() or any(character.isspace() for character in url) or "\\" in url:
        return "no URL that can be called"
    return None
