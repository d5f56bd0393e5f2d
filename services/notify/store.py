"""Tables of notify and every statement on them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, ForeignKey, Index, and_, delete, func, insert, or_, select, update
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from services.kit.columns import BigId, JsonColumn, SealedBytes, UtcDateTime, sealed_place
from services.kit.crypto import Crypto
from services.kit.db import UnitOfWork, kit_tables
from services.notify.domain.subscriptions import EVERY, QUEUEING, Secret, Status, Subscription

if TYPE_CHECKING:
    from services.notify.domain.messages import Message


class Table(SQLModel, registry=registry()):
    """Base of notify's tables: a registry of its own."""


class MessageRow(Table, table=True):
    """A message to a citizen: what kind, and what its words are made of. The id is that of its event.

    `position` is the order of arrival: ids of one millisecond do not sort, two steps of a case do.
    """

    __tablename__ = "messages"
    __table_args__ = (
        Index("ix_messages_account", "account_id", "position"),
        Index("ix_messages_unread", "account_id", "read_at"),
    )
    position: int | None = Field(
        default=None, sa_column=Column(BigId, primary_key=True, autoincrement=True, nullable=False)
    )
    id: str = Field(max_length=64, unique=True)
    account_id: str = Field(max_length=64)
    kind: str = Field(max_length=32)
    parameters: dict[str, Any] = Field(sa_column=Column(JsonColumn, nullable=False))
    case_id: str = Field(max_length=64)
    created_at: datetime = Field(sa_type=UtcDateTime)
    read_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class PreferenceRow(Table, table=True):
    """How an account wishes to be spoken to."""

    __tablename__ = "preferences"
    account_id: str = Field(primary_key=True, max_length=64)
    language: str = Field(max_length=16)
    changed_at: datetime = Field(sa_type=UtcDateTime)


class SubscriptionRow(Table, table=True):
    """A department's subscription; `version` counts its events on notify.deliveries."""

    __tablename__ = "subscriptions"
    __table_args__ = (Index("ix_subscriptions_organisation", "organisation", "id"),)
    id: str = Field(primary_key=True, max_length=32)
    organisation: str = Field(max_length=128)
    types: list[str] = Field(sa_column=Column(JsonColumn, nullable=False))
    filters: list[dict[str, Any]] = Field(sa_column=Column(JsonColumn, nullable=False))
    sink: str = Field(max_length=2000)
    max_in_flight: int
    status: str = Field(max_length=16, index=True)
    reason: str | None = Field(default=None, max_length=200)
    owner: str = Field(max_length=64)
    version: int
    created_at: datetime = Field(sa_type=UtcDateTime)
    changed_at: datetime = Field(sa_type=UtcDateTime)
    agreed: bool
    wished: str = Field(max_length=16)


class SecretRow(Table, table=True):
    """Signing secrets, encrypted; `expires_at` is null for the newest."""

    __tablename__ = "subscription_secrets"
    id: str = Field(primary_key=True, max_length=32)
    subscription_id: str = Field(
        sa_column=Column(ForeignKey("subscriptions.id", ondelete="CASCADE"), nullable=False, index=True)
    )
    secret: bytes = Field(sa_column=Column(SealedBytes, nullable=False))
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


metadata = Table.metadata
TABLES = kit_tables(metadata, with_deliveries=True)

MESSAGES = MessageRow.__table__  # type: ignore[attr-defined]
PREFERENCES = PreferenceRow.__table__  # type: ignore[attr-defined]
SUBSCRIPTIONS = SubscriptionRow.__table__  # type: ignore[attr-defined]
SECRETS = SecretRow.__table__  # type: ignore[attr-defined]


class MessageStore:
    """Messages and preferences of citizens."""

    def __init__(self, work: UnitOfWork) -> None:
        self.work = work

    def add(self, message: "Message") -> None:
        """Keep a new message, written just before the commit with others."""
        row = {name: getattr(message, name) for name in ("id", "account_id", "kind", "parameters", "case_id")}
        self.work.add(MESSAGES, row | {"created_at": message.created_at, "read_at": None})

    async def page(self, account_id: str, before: int | None, limit: int) -> list[Any]:
        """Messages, newest first; `before` is the last position of the page before."""
        statement = select(MESSAGES).where(MESSAGES.c.account_id == account_id)
        if before is not None:
            statement = statement.where(MESSAGES.c.position < before)
        return list((await self.work.execute(statement.order_by(MESSAGES.c.position.desc()).limit(limit))).all())

    async def one(self, account_id: str, message_id: str) -> Any | None:
        mine = (MESSAGES.c.account_id == account_id) & (MESSAGES.c.id == message_id)
        return (await self.work.execute(select(MESSAGES).where(mine))).one_or_none()

    async def unread(self, account_id: str) -> int:
        mine = (MESSAGES.c.account_id == account_id) & MESSAGES.c.read_at.is_(None)
        return int((await self.work.execute(select(func.count()).select_from(MESSAGES).where(mine))).scalar_one())

    async def mark_read(self, account_id: str, message_id: str, now: datetime) -> None:
        """Set when it was first read."""
        mine = (MESSAGES.c.account_id == account_id) & (MESSAGES.c.id == message_id) & MESSAGES.c.read_at.is_(None)
        await self.work.execute(update(MESSAGES).where(mine).values(read_at=now))

    async def language(self, account_id: str) -> str | None:
        """The language that the account chose, if it did."""
        statement = select(PREFERENCES.c.language).where(PREFERENCES.c.account_id == account_id)
        return (await self.work.execute(statement)).scalar_one_or_none()

    async def prefer(self, account_id: str, language: str, now: datetime) -> None:
        row = {"account_id": account_id, "language": language, "changed_at": now}
        await self.work.upsert(PREFERENCES, [row], ["account_id"])


class SubscriptionStore:
    """Subscriptions and their secrets."""

    def __init__(self, work: UnitOfWork) -> None:
        self.work = work
        self._queueing: tuple[Any, list[Subscription]] | None = None

    async def add(self, subscription: Subscription) -> None:
        row = {name: getattr(subscription, name) for name in SUBSCRIPTIONS.c.keys()}  # noqa: SIM118 - a collection, no dict
        row |= {"types": list(subscription.types), "filters": list(subscription.filters)}
        row |= {"status": subscription.status.value, "wished": subscription.wished.value}
        await self.work.execute(insert(SUBSCRIPTIONS).values(row))

    async def count(self, organisation: str) -> int:
        statement = select(func.count()).select_from(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.organisation == organisation)
        return int((await self.work.execute(statement)).scalar_one())

    async def one(self, subscription_id: str, *, locked: bool = False) -> Subscription | None:
        statement = select(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.id == subscription_id)
        if locked:
            statement = statement.with_for_update()
        row = (await self.work.execute(statement)).one_or_none()
        return _subscription(row) if row else None

    async def page(self, organisations: Iterable[str], after: str | None, limit: int) -> list[Subscription]:
        """Subscriptions of these organisations ("*": of all), oldest first."""
        organisations = set(organisations)
        statement = select(SUBSCRIPTIONS).order_by(SUBSCRIPTIONS.c.id).limit(limit)
        if EVERY not in organisations:
            statement = statement.where(SUBSCRIPTIONS.c.organisation.in_(sorted(organisations)))
        if after is not None:
            statement = statement.where(SUBSCRIPTIONS.c.id > after)
        return [_subscription(row) for row in await self.work.execute(statement)]

    async def queueing(self) -> Sequence[Subscription]:
        """Every subscription that events are queued for; read once in a transaction, which may hold many events."""
        if self._queueing is None or self._queueing[0] is not self.work.connection:
            pending = and_(SUBSCRIPTIONS.c.status == Status.PENDING.value, SUBSCRIPTIONS.c.agreed)
            queueing = SUBSCRIPTIONS.c.status.in_([status.value for status in QUEUEING])
            statement = select(SUBSCRIPTIONS).where(or_(queueing, pending))
            rows = await self.work.execute(statement.order_by(SUBSCRIPTIONS.c.id))
            self._queueing = (self.work.connection, [_subscription(row) for row in rows])
        return self._queueing[1]

    async def change(self, subscription_id: str, **values: Any) -> None:
        statement = update(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.id == subscription_id)
        await self.work.execute(statement.values(changed_at=self.work.now(), **values))

    async def count_event(self, subscription_id: str) -> tuple[int, str] | None:
        """Raise the version for an event about the subscription: (version, organisation); None when it is gone.

        The row stays locked until the commit, so that versions reach the outbox in order.
        """
        statement = update(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.id == subscription_id)
        changed = statement.values(version=SUBSCRIPTIONS.c.version + 1)
        returned = changed.returning(SUBSCRIPTIONS.c.version, SUBSCRIPTIONS.c.organisation)
        row = (await self.work.execute(returned)).one_or_none()
        return (row.version, row.organisation) if row else None

    async def remove(self, subscription_id: str) -> None:
        await self.work.execute(delete(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.id == subscription_id))

    # Secrets.

    async def add_secret(self, subscription_id: str, secret: Secret, expire_others: datetime | None = None) -> None:
        """Keep a secret; those before it end at `expire_others` unless they end sooner."""
        if expire_others is not None:
            later = or_(SECRETS.c.expires_at.is_(None), SECRETS.c.expires_at > expire_others)
            before = and_(SECRETS.c.subscription_id == subscription_id, later)
            await self.work.execute(update(SECRETS).where(before).values(expires_at=expire_others))
        row = {
            "id": secret.id,
            "subscription_id": subscription_id,
            "secret": self._crypto.encrypt(secret.value.encode(), _place(secret.id)),
            "created_at": self.work.now(),
            "expires_at": None,
        }
        await self.work.execute(insert(SECRETS).values(row))

    async def drop_expired(self, subscription_id: str, now: datetime) -> None:
        ended = (SECRETS.c.subscription_id == subscription_id) & (SECRETS.c.expires_at <= now)
        await self.work.execute(delete(SECRETS).where(ended))

    async def secrets(self, subscription_id: str) -> list[Secret]:
        """Secrets, newest first, decrypted."""
        statement = select(SECRETS).where(SECRETS.c.subscription_id == subscription_id)
        rows = await self.work.execute(statement.order_by(SECRETS.c.id.desc()))
        return [Secret(r.id, self._crypto.decrypt(r.secret, _place(r.id)).decode(), r.expires_at) for r in rows]

    @property
    def _crypto(self) -> Crypto:
        found = self.work.context.crypto
        assert found is not None, "app.py gives notify its keys"
        return found


def _place(secret_id: str) -> str:
    return sealed_place("subscription_secrets", "secret", secret_id)


def _subscription(row: Any) -> Subscription:
    values = dict(row._mapping)
    values |= {"types": tuple(row.types), "filters": tuple(row.filters), "status": Status(row.status)}
    values["wished"] = Status(row.wished)
    return Subscription(**values)
