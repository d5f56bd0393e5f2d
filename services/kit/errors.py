"""Errors as data: a kind, a stable slug, a detail. The HTTP edge maps the kind to a status."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, ClassVar


class Kind(StrEnum):
    """What sort of trouble; `status` is its HTTP status (RFC 9110)."""

    MALFORMED = "malformed"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not-found"
    NOT_ALLOWED = "not-allowed"
    CONFLICT = "conflict"
    PRECONDITION_FAILED = "precondition-failed"
    TOO_LARGE = "too-large"
    UNSUPPORTED = "unsupported"
    INVALID = "invalid"
    PRECONDITION_REQUIRED = "precondition-required"
    TOO_MANY = "too-many"
    UNAVAILABLE = "unavailable"

    @property
    def status(self) -> int:
        return _STATUS[self]

    @property
    def transient(self) -> bool:
        """Worth trying again unchanged: a starting service waits for it. A consumer tries again whatever the kind."""
        return self is Kind.UNAVAILABLE


_STATUS = {
    Kind.MALFORMED: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.NOT_ALLOWED: 405,
    Kind.CONFLICT: 409,
    Kind.PRECONDITION_FAILED: 412,
    Kind.TOO_LARGE: 413,
    Kind.UNSUPPORTED: 415,
    Kind.INVALID: 422,
    Kind.PRECONDITION_REQUIRED: 428,
    Kind.TOO_MANY: 429,
    Kind.UNAVAILABLE: 503,
}


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One field that is wrong: dotted name, stable reason (`required`, `format`, …), words for people."""

    field: str
    reason: str
    detail: str = ""


class TongbanError(Exception):
    """Base of all our errors. A subclass names kind, slug and title; an instance the particulars."""

    kind: ClassVar[Kind] = Kind.CONFLICT
    slug: ClassVar[str] = "error"
    title: ClassVar[str] = "Error"

    def __init__(
        self,
        detail: str = "",
        *,
        fields: Sequence[FieldProblem] = (),
        retry_after: int | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.fields = tuple(fields)
        self.retry_after = retry_after
        self.challenge: str | None = None
        """WWW-Authenticate of a 401, where the plain one does not say enough."""
        self.members = members

    def problem(self) -> dict[str, Any]:
        """RFC 9457 problem details; `type` is stable and needs no host."""
        found: dict[str, Any] = {"type": f"urn:tongban:problem:{self.slug}", "title": self.title}
        found["status"] = self.kind.status
        if self.detail:
            found["detail"] = self.detail
        if self.fields:
            found["errors"] = [asdict(problem) for problem in self.fields]
        return found | self.members


class Malformed(TongbanError):
    kind, slug, title = Kind.MALFORMED, "malformed", "The request cannot be read"


class Unauthenticated(TongbanError):
    kind, slug, title = Kind.UNAUTHENTICATED, "unauthenticated", "A valid access token is needed"


class InvalidProof(Unauthenticated):
    """RFC 9449 §7.1: the proof of possession that goes with a bound access token is missing or wrong."""

    slug, title = "invalid-proof", "A valid proof of possession is needed"


class Forbidden(TongbanError):
    kind, slug, title = Kind.FORBIDDEN, "forbidden", "Not allowed"


class NotFound(TongbanError):
    kind, slug, title = Kind.NOT_FOUND, "not-found", "Not found"


class Invalid(TongbanError):
    kind, slug, title = Kind.INVALID, "invalid", "Some values are not valid"


class PreconditionFailed(TongbanError):
    kind, slug, title = Kind.PRECONDITION_FAILED, "version-mismatch", "Changed in the meantime"


class PreconditionRequired(TongbanError):
    kind, slug, title = Kind.PRECONDITION_REQUIRED, "if-match-required", "If-Match is required"


class TooLarge(TongbanError):
    kind, slug, title = Kind.TOO_LARGE, "too-large", "Too large"


class Unsupported(TongbanError):
    kind, slug, title = Kind.UNSUPPORTED, "unsupported-media-type", "This kind of content is not taken"


class TooMany(TongbanError):
    kind, slug, title = Kind.TOO_MANY, "too-many-requests", "Too many requests"


class Unavailable(TongbanError):
    kind, slug, title = Kind.UNAVAILABLE, "unavailable", "Not available just now"
