"""notify's unit of work."""

from typing import Any

from services.kit.db import UnitOfWork
from services.notify.store import MessageStore, SubscriptionStore


class Work(UnitOfWork):
    """Stores on one transaction."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.messages = MessageStore(self)
        self.subscriptions = SubscriptionStore(self)
