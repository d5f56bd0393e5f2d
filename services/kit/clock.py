"""Time. Inside everything is UTC and aware; people see Asia/Shanghai."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def utc_now() -> datetime:
    """The present moment, aware, UTC."""
    return datetime.now(UTC)
