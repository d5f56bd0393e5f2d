"""Logs (JSON lines with the trace id, no personal data), metrics (Prometheus) and the trace that follows a click.

The trace context is W3C's `traceparent`: taken from the request or begun anew, kept in a context variable, sent with
every call and event.
"""

import logging
import os
import re
import sys
from contextvars import ContextVar
from typing import Any

import structlog
from prometheus_client import Counter, Gauge, Histogram

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_trace: ContextVar[str] = ContextVar("traceparent", default="")

log = structlog.get_logger()


def begin_trace(header: str | None = None) -> str:
    """Go on with the trace in `header` (as a new span) or begin one; returns the traceparent now current."""
    match = _TRACEPARENT.fullmatch(header or "")
    trace_id = match[1] if match and int(match[1], 16) else os.urandom(16).hex()
    value = f"00-{trace_id}-{os.urandom(8).hex()}-01"
    _trace.set(value)
    return value


def traceparent() -> str:
    """The current traceparent, empty outside any trace."""
    return _trace.get()


def trace_id() -> str:
    return traceparent()[3:35]


def cause_of(error: BaseException) -> str:
    """Type and place of an error, without its words, which may quote what people typed."""
    trace = error.__traceback__
    place = ""
    while trace is not None:
        code = trace.tb_frame.f_code
        if "/services/" in code.co_filename:
            place = f"{code.co_filename.rsplit('/services/', 1)[1]}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__} at {place}"


def _add_trace(_: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:
    if trace_id():
        event["trace_id"] = trace_id()
    return event


def configure_logging(service: str, level: str = "INFO") -> None:
    """JSON lines on standard output for our own events and for the libraries' (which stay at WARNING)."""

    def add_service(_: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:
        return event | {"service": service}

    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        add_service,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_trace,
        structlog.processors.format_exc_info,
    ]
    renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(sys.stdout),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)


class Metrics:
    """Every metric of the kit, named in base units."""

    def __init__(self) -> None:
        self.http_seconds = Histogram(
            "tongban_http_request_seconds", "HTTP latency", ["service", "method", "route", "status"]
        )
        self.outbox_depth = Gauge("tongban_outbox_events", "Events that wait in the outbox", ["service"])
        self.outbox_age = Gauge("tongban_outbox_oldest_seconds", "Age of the oldest waiting event", ["service"])
        self.outbox_sent = Counter("tongban_outbox_sent_events", "Events that Kafka acknowledged", ["service"])
        self.relay_failures = Counter("tongban_relay_failures", "Rounds of the relay that failed", ["service"])
        self.consumed = Counter("tongban_consumed_events", "Events read", ["service", "topic", "result"])
        self.consumer_lag = Gauge(
            "tongban_consumer_lag_events", "Events not read yet", ["service", "topic", "partition"]
        )
        self.inbox_parked = Gauge("tongban_inbox_parked_events", "Parked events", ["service", "state"])
        self.retries = Counter("tongban_consumer_retries", "Batches tried again after an outage", ["service"])
        self.delivery_seconds = Histogram(
            "tongban_delivery_attempt_seconds", "Attempts to deliver", ["service", "result"]
        )
        self.deliveries = Gauge("tongban_deliveries", "Contents not delivered", ["service", "state"])
        self.circuits_open = Gauge("tongban_delivery_circuits_open", "Endpoints with an open circuit", ["service"])
        self.sign_in_failures = Counter(
            "tongban_sign_in_failures", "Sign-ins that were not let in", ["service", "realm", "reason"]
        )
        self.workers_failed = Counter("tongban_worker_failures", "Background workers that ended", ["service", "worker"])


metrics = Metrics()
