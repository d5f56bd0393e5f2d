"""Tables of what goes out over HTTP: where to, what, and every attempt."""

from dataclasses import dataclass

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, MetaData, String, Table, UniqueConstraint

from services.kit.columns import BigId, UtcDateTime


@dataclass(frozen=True)
class DeliveryTables:
    """Endpoints, what is to be delivered to them, and the log of attempts."""

    endpoints: Table
    deliveries: Table
    attempts: Table


def delivery_tables(metadata: MetaData) -> DeliveryTables:
    """Declare the tables on a service's metadata."""
    endpoints = Table(
        "endpoints",
        metadata,
        Column("id", String(64), primary_key=True),
        Column("url", String(2000), nullable=False),
        Column("state", String(16), nullable=False),  # active, paused, disabled
        Column("reason", String(200)),  # why it is disabled
        Column("max_in_flight", Integer, nullable=False),
        Column("failures", Integer, nullable=False, default=0),  # in a row, of the endpoint and not of one content
        Column("failing_since", UtcDateTime),  # since then no attempt succeeded
        Column("probe_at", UtcDateTime),  # set while the circuit is open: when one attempt is let through
        Column("created_at", UtcDateTime, nullable=False),
    )
    deliveries = Table(
        "deliveries",
        metadata,
        Column("id", BigId, primary_key=True, autoincrement=True),
        Column("endpoint_id", String(64), ForeignKey("endpoints.id", ondelete="CASCADE"), nullable=False),
        Column("order_key", String(200), nullable=False),
        Column("event_id", String(64), nullable=False),
        Column("builder", String(64), nullable=False),
        Column("content_type", String(100), nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("traceparent", String(55), nullable=False),
        Column("state", String(16), nullable=False),  # waiting, delivered, parked
        Column("attempts", Integer, nullable=False, default=0),
        Column("due_at", UtcDateTime, nullable=False),
        Column("leased_until", UtcDateTime),
        Column("lease", String(32)),
        Column("first_try_at", UtcDateTime),
        Column("finished_at", UtcDateTime),
        Column("created_at", UtcDateTime, nullable=False),
        UniqueConstraint("endpoint_id", "event_id", name="uq_deliveries_event"),
        Index("ix_deliveries_queue", "endpoint_id", "state", "order_key", "id"),
        Index("ix_deliveries_due", "endpoint_id", "state", "due_at"),
        Index("ix_deliveries_created", "endpoint_id", "created_at"),
    )
    attempts = Table(
        "attempts",
        metadata,
        Column("id", BigId, primary_key=True, autoincrement=True),
        Column("delivery_id", BigId, ForeignKey("deliveries.id", ondelete="CASCADE"), nullable=False, index=True),
        Column("endpoint_id", String(64), nullable=False),
        Column("number", Integer, nullable=False),
        Column("at", UtcDateTime, nullable=False),
        Column("milliseconds", Integer, nullable=False),
        Column("status", Integer),  # of the answer, if there was one
        Column("cause", String(64), nullable=False),  # "" for success, else why it counts as a failure
        Index("ix_attempts_endpoint", "endpoint_id", "id"),
    )
    return DeliveryTables(endpoints, deliveries, attempts)
