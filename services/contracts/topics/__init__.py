"""The topics: one YAML file each (owner, key, partitions, clean-up, ordering, examples), read into `Topic`.

Everything generated about topics (README diagram, AsyncAPI page, Kafka's own topics) comes from these files.
"""

from functools import cache
from importlib.resources import files
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from services.contracts import (
    base,
    cases_events,
    catalog_items,
    catalog_organisations,
    catalog_resources,
    identity_accounts,
    identity_sessions,
    notify_deliveries,
)

# Imported for their event types: the registry is whole once this module is.
MODULES = (
    identity_accounts,
    identity_sessions,
    catalog_organisations,
    catalog_items,
    catalog_resources,
    cases_events,
    notify_deliveries,
)


class Topic(BaseModel):
    """One topic as its file declares it.

    `ordering` "gapless": each aggregate's versions rise by one and a reader parks on a gap; "latest": only the newest
    state of a key counts (a compacted topic drops versions between).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    topic: str
    owner: str
    description: str
    version: int = Field(ge=1)
    key: str
    partitions: int = Field(ge=1)
    cleanup: Literal["delete", "compact"]
    retention_days: int | None = None
    ordering: Literal["gapless", "latest"]
    dead_letter_topic: str
    consumers: tuple[str, ...]
    examples: tuple[base.Example, ...]

    @property
    def events(self) -> tuple[type[base.EventData], ...]:
        """The event types that travel on this topic."""
        return tuple(m for m in base.EVENT_TYPES.values() if m.topic == self.topic)


@cache
def all_topics() -> dict[str, Topic]:
    """Every topic by name."""
    found = {}
    for path in sorted(files(__name__).iterdir(), key=lambda p: p.name):
        if path.name.endswith(".yaml"):
            topic = Topic.model_validate(yaml.safe_load(path.read_text("utf-8")))
            found[topic.topic] = topic
    return found


IDENTITY_ACCOUNTS = "identity.accounts"
IDENTITY_SESSIONS = "identity.sessions"
CATALOG_ORGANISATIONS = "catalog.organisations"
CATALOG_ITEMS = "catalog.items"
CATALOG_RESOURCES = "catalog.resources"
CASES_EVENTS = "cases.events"
NOTIFY_DELIVERIES = "notify.deliveries"
