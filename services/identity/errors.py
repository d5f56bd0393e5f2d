"""Errors of identity: OAuth's own (RFC 6749), pages for people, problem details for operators' commands."""

from typing import ClassVar

from services.kit.errors import Kind, TongbanError


class OAuthError(Exception):
    """An error in OAuth's own words: `code` of RFC 6749 §5.2 or §4.1.2.1 (and its extensions), a description for
    developers (ASCII, never a value that came in), the HTTP status where it is answered in a body.
    """

    code: ClassVar[str] = "invalid_request"
    status: ClassVar[int] = 400

    def __init__(self, description: str, *, retry_after: int | None = None) -> None:
        super().__init__(description)
        self.description = description
        self.retry_after = retry_after

    def members(self) -> dict[str, str]:
        """The error as parameters of a redirect or members of a JSON body."""
        return {"error": self.code, "error_description": self.description}


class InvalidRequest(OAuthError):
    code = "invalid_request"


class RequestTooLarge(InvalidRequest):
    status = 413


class InvalidClient(OAuthError):
    """RFC 6749 §5.2: client authentication failed. `scheme`: the one that the client used in the Authorization header,
    which the challenge must match; without the header it names the method that works, so that there is a challenge
    (RFC 9110 §15.5.2).
    """

    code, status = "invalid_client", 401

    def __init__(self, description: str, *, scheme: str = "private_key_jwt") -> None:
        super().__init__(description)
        self.scheme = scheme


class UnauthorizedClient(OAuthError):
    code = "unauthorized_client"


class InvalidGrant(OAuthError):
    code = "invalid_grant"


class UnsupportedGrantType(OAuthError):
    code = "unsupported_grant_type"


class UnsupportedResponseType(OAuthError):
    code = "unsupported_response_type"


class InvalidScope(OAuthError):
    code = "invalid_scope"


class InvalidTarget(OAuthError):
    """RFC 8707 §2: the requested resource is unknown or not for this client."""

    code = "invalid_target"


class InvalidToken(OAuthError):
    """RFC 6750 §3.1: the access token is expired, revoked or not one for here."""

    code, status = "invalid_token", 401


class InvalidDpopProof(OAuthError):
    """RFC 9449 §5: the proof of possession is missing or wrong. At a resource it is told in a 401 (§7.1)."""

    code = "invalid_dpop_proof"


class UseDpopNonce(InvalidDpopProof):
    """RFC 9449 §8 and §9: the nonce to use is in the DPoP-Nonce header of the answer."""

    code = "use_dpop_nonce"


class InsufficientScope(OAuthError):
    code, status = "insufficient_scope", 403


class LoginRequired(OAuthError):
    """OpenID Connect Core §3.1.2.6: `prompt=none` and nobody (or somebody else) is signed in."""

    code = "login_required"


class ConsentRequired(OAuthError):
    """OpenID Connect Core §3.1.2.6: `prompt=none` and the person has not agreed to what is asked for."""

    code = "consent_required"


class AccessDenied(OAuthError):
    """RFC 6749 §4.1.2.1: the person said no."""

    code = "access_denied"


class UnmetAuthenticationRequirements(OAuthError):
    """OpenID Connect Core Error Code unmet_authentication_requirements 1.0: no sign-in is of the kind asked for."""

    code = "unmet_authentication_requirements"


class InvalidRequestObject(OAuthError):
    """RFC 9101 §7."""

    code = "invalid_request_object"


class InvalidRequestUri(OAuthError):
    """RFC 9101 §7, RFC 9126 §2.2: the reference is unknown, expired or used up."""

    code = "invalid_request_uri"


class RequestUriNotSupported(OAuthError):
    code = "request_uri_not_supported"


class RegistrationNotSupported(OAuthError):
    code = "registration_not_supported"


class InvalidRedirectUri(OAuthError):
    """RFC 7591 §3.2.2, as the two below."""

    code = "invalid_redirect_uri"


class InvalidClientMetadata(OAuthError):
    code = "invalid_client_metadata"


class UnapprovedSoftwareStatement(OAuthError):
    code = "unapproved_software_statement"


class SlowDown(OAuthError):
    """Too many attempts: answered 429 with Retry-After."""

    code, status = "slow_down", 429


class SignInRefused(Exception):
    """User name and password do not fit, whichever of them it was."""


class SignInLocked(Exception):
    """Too many failures for this name or from this address; `seconds` until the next try is looked at."""

    def __init__(self, seconds: int) -> None:
        super().__init__("locked")
        self.seconds = seconds


class AccountUnknown(TongbanError):
    kind, slug, title = Kind.NOT_FOUND, "account-unknown", "No such account"


class RoleUnknown(TongbanError):
    kind, slug, title = Kind.INVALID, "role-unknown", "No such role"


class TooManyGrants(TongbanError):
    kind, slug, title = Kind.INVALID, "too-many-grants", "This account has as many roles as a token can carry"


class NotStaff(TongbanError):
    kind, slug, title = Kind.INVALID, "not-staff", "Only staff accounts hold roles"


class UsernameTaken(TongbanError):
    kind, slug, title = Kind.CONFLICT, "username-taken", "This user name is taken"


class UsernameInvalid(TongbanError):
    kind, slug, title = Kind.INVALID, "username-invalid", "This user name cannot be used"


class PasswordWeak(TongbanError):
    kind, slug, title = Kind.INVALID, "password-weak", "This password cannot be used"


class SessionUnknown(TongbanError):
    kind, slug, title = Kind.NOT_FOUND, "session-unknown", "No such session of this account"


class LinkUsed(TongbanError):
    """A one-time link that is unknown, used or too old: which of them, it does not say."""

    kind, slug, title = Kind.NOT_FOUND, "link-used", "This link cannot be used any more"


class ClientUnknown(TongbanError):
    kind, slug, title = Kind.NOT_FOUND, "client-unknown", "No such client has registered itself"


class ClientDeclared(TongbanError):
    kind, slug, title = Kind.CONFLICT, "client-declared", "This client is declared by the settings"


class KeyUnknown(TongbanError):
    kind, slug, title = Kind.NOT_FOUND, "key-unknown", "No such signing key"


class KeyTooYoung(TongbanError):
    kind, slug, title = Kind.CONFLICT, "key-too-young", "The next key is published too short a time to sign"


class KeyStillSigning(TongbanError):
    kind, slug, title = Kind.CONFLICT, "key-still-signing", "No other key can take over"
