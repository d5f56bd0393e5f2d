"""Errors of the gateway."""

from typing import Any

from services.kit.errors import FieldProblem, Kind, TongbanError


class SignInNeeded(TongbanError):
    """Nobody is signed in; the page leads to the sign-in and comes back."""

    kind, slug, title = Kind.UNAUTHENTICATED, "sign-in-needed", "Sign in first"


class StepUpNeeded(SignInNeeded):
    """RFC 9470 §4: for this the person signs in again, though somebody is signed in."""

    slug, title = "step-up-needed", "Sign in again first"

    def __init__(self, max_age: int) -> None:
        super().__init__()
        self.max_age = max_age


class SignInFailed(TongbanError):
    """The provider's answer does not belong to a sign-in that this browser began, or says no."""

    kind, slug, title = Kind.MALFORMED, "sign-in-failed", "The sign-in did not work"


class LogoutTokenRefused(TongbanError):
    """A back-channel logout token that is not valid (OpenID Connect Back-Channel Logout 1.0 §2.6)."""

    kind, slug, title = Kind.MALFORMED, "logout-token-refused", "The logout token is not valid"


class ServiceAway(TongbanError):
    """A service behind the gateway did not answer, or broke."""

    kind, slug, title = Kind.UNAVAILABLE, "service-away", "A service does not answer"


class ProviderAway(ServiceAway):
    slug, title = "provider-away", "The identity service does not answer"


class SessionEnded(SignInNeeded):
    """The provider ended the session: it takes the refresh token no more."""

    slug, title = "session-ended", "The session has ended"


class ServiceProblem(TongbanError):
    """What a service answered instead of what was asked: its problem details (RFC 9457), kept as they came."""

    service: str = ""

    @property
    def status(self) -> int:
        return self.kind.status


_BY_STATUS: dict[int, type[ServiceProblem]] = {
    kind.status: type(f"Service{kind.name.title()}", (ServiceProblem,), {"kind": kind}) for kind in Kind
}


def service_problem(service: str, status: int, body: Any) -> TongbanError:
    """The error that a service's answer stands for."""
    if status >= 500:
        return ServiceAway(f"{service} answered {status}")
    body = body if isinstance(body, dict) else {}
    listed = body.get("errors")
    fields = [
        FieldProblem(str(entry.get("field", "")), str(entry.get("reason", "")), str(entry.get("detail", "")))
        for entry in (listed if isinstance(listed, list) else [])
        if isinstance(entry, dict)
    ]
    known = ("type", "title", "status", "detail", "errors", "trace_id")
    members = {name: value for name, value in body.items() if name not in known and name != "fields"}
    error = _BY_STATUS.get(status, _BY_STATUS[400])(str(body.get("detail") or ""), fields=fields)
    error.members = members
    error.slug = str(body.get("type", "")).rpartition(":")[2] or "problem"  # type: ignore[misc]
    error.title = str(body.get("title") or "Problem")  # type: ignore[misc]
    error.service = service
    return error
