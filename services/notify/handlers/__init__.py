"""The use cases, one unit of work each: no HTTP, no Kafka, no SQL."""

from services.notify.handlers.work import Work

__all__ = ["Work"]
