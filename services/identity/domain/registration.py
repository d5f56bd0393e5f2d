"""Client metadata as strangers send it (RFC 7591 §2, OpenID Connect Registration §2) to a declaration and back.

What is not in `_TAKEN` is ignored (RFC 7591 §2): so nobody registers himself as one of our own surfaces, with a grant,
for one of our services, or for the other realm.
"""

import secrets
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr, ValidationError

from services.identity.domain.clients import SCOPES, SECRET_METHODS, ClientDeclaration, Realm
from services.identity.domain.redirects import LOOPBACK, of_an_app
from services.identity.errors import (
    InvalidClientMetadata,
    InvalidRedirectUri,
    OAuthError,
    UnapprovedSoftwareStatement,
)

Metadata = Mapping[str, Any]
PREFIX = "dyn."
"""How the ids of registered clients begin: the name of no service, and no account's id (item 16)."""
_TAKEN = (
    "profile",
    "application_type",
    "grant_types",
    "token_endpoint_auth_method",
    "jwks",
    "redirect_uris",
    "allowed_origins",
    "post_logout_redirect_uris",
    "backchannel_logout_uri",
    "backchannel_logout_session_required",
    "frontchannel_logout_uri",
    "frontchannel_logout_session_required",
    "require_pkce",
    "require_pushed_authorization_requests",
    "require_signed_request_object",
    "request_object_signing_alg",
    "dpop_bound_access_tokens",
    "tls_client_certificate_bound_access_tokens",
    "subject_type",
    "id_token_signed_response_alg",
    "id_token_encrypted_response_alg",
    "id_token_encrypted_response_enc",
    "userinfo_signed_response_alg",
    "userinfo_encrypted_response_alg",
    "userinfo_encrypted_response_enc",
    "introspection_signed_response_alg",
    "default_max_age",
    "default_acr_values",
    "require_auth_time",
    "client_uri",
    "policy_uri",
    "tos_uri",
)
_FETCHED = ("jwks_uri", "request_uris", "sector_identifier_uri")
_PAGES = ("backchannel_logout_uri", "frontchannel_logout_uri", "client_uri", "policy_uri", "tos_uri")
_OURS = ("registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at")
_NAME = "client_name"


def new_client_id() -> str:
    """An id that nobody guesses or chooses."""
    return PREFIX + secrets.token_urlsafe(16)


def declaration_of(metadata: Metadata, *, client_id: str, realm: Realm, secret: str | None) -> ClientDeclaration:
    """The client that is asked for, `secret` where its method needs one. Raises the errors of RFC 7591 §3.2.2."""
    # Null is as if it were not there (RFC 7592 §2.2).
    given = {name: value for name, value in metadata.items() if value is not None}
    for rule in _RULES:
        rule(given)
    found: dict[str, Any] = {
        # The defaults of RFC 7591 §2, which are not those of a declaration.
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["authorization_code"],
    } | {name: given[name] for name in _TAKEN if name in given}
    if "jwks" in given:
        found["jwks"] = _keys(given["jwks"])
    if found["token_endpoint_auth_method"] in SECRET_METHODS and secret is not None:
        found["client_secret"] = SecretStr(secret)
    found |= {"client_id": client_id, "realm": realm, _NAME: _names(given, client_id), "scopes": _scopes(given)}
    try:
        return ClientDeclaration.model_validate(found)
    except ValidationError as error:
        raise _told(error) from None


def metadata_of(client: ClientDeclaration) -> dict[str, Any]:
    """All metadata as they are registered (RFC 7591 §3.2.1)."""
    found = client.model_dump(mode="json", include={*_TAKEN}, exclude_none=True)
    names = client.client_name
    found[_NAME] = names.zh
    if names.zh != names.en:
        found |= {f"{_NAME}#zh-CN": names.zh, f"{_NAME}#en": names.en}
    return found | {"client_id": client.client_id, "response_types": ["code"], "scope": " ".join(client.scopes)}


def _statement(given: Metadata) -> None:
    """RFC 7591 §3.2.2: nobody's software statements are trusted here."""
    if "software_statement" in given:
        raise UnapprovedSoftwareStatement("no issuer of software statements is trusted")


def _fetched(given: Metadata) -> None:
    """RFC 7591 §5, item 14: what strangers name is never fetched."""
    for name in _FETCHED:
        if name in given:
            raise InvalidClientMetadata(f"{name} is not supported, nothing is fetched: send jwks by value")


def _response_types(given: Metadata) -> None:
    """RFC 7591 §2: code is the only response type."""
    if given.get("response_types", ["code"]) != ["code"]:
        raise InvalidClientMetadata('response_types must be ["code"]')


def _grant_types(given: Metadata) -> None:
    """RFC 7591 §2.1: people sign in through a registered client; a client of its own right is declared."""
    if "authorization_code" not in _list(given, "grant_types", ["authorization_code"]):
        raise InvalidClientMetadata("grant_types must contain authorization_code")
    if "client_credentials" in _list(given, "grant_types", []):
        raise InvalidClientMetadata("client_credentials is for clients that the operator declares")


def _redirect_uris(given: Metadata) -> None:
    """RFC 7591 §2, OpenID Connect Registration §2: there are some; loopback hosts and schemes of apps are for native
    clients.
    """
    if not _list(given, "redirect_uris", []):
        raise InvalidRedirectUri("redirect_uris is missing")
    if given.get("application_type", "web") == "web" and any(map(_on_a_device, given["redirect_uris"])):
        raise InvalidRedirectUri("redirect_uris on loopback hosts or of apps are for application_type native")


def _pages(given: Metadata) -> None:
    """RFC 7591 §5: what we show or call is on the web, never at this machine."""
    others = [given[name] for name in _PAGES if name in given]
    for name in ("post_logout_redirect_uris", "allowed_origins"):
        if given.get("application_type", "web") == "web":
            others += _list(given, name, [])
    if any(map(_loopback, others)):
        raise InvalidClientMetadata("an address is on a loopback host")


_RULES: tuple[Callable[[Metadata], None], ...] = (
    _statement,
    _fetched,
    _response_types,
    _grant_types,
    _redirect_uris,
    _pages,
)


def _list(given: Metadata, name: str, default: list[Any]) -> list[Any]:
    found = given.get(name, default)
    if not isinstance(found, list):
        raise InvalidClientMetadata(f"{name} must be a list")
    return found


def _on_a_device(uri: object) -> bool:
    return _loopback(uri) or (isinstance(uri, str) and of_an_app(uri))


def _loopback(uri: object) -> bool:
    try:
        return isinstance(uri, str) and urlsplit(uri).hostname in LOOPBACK
    except ValueError:
        return False  # no URI at all: the declaration refuses it


def _keys(jwks: object) -> object:
    """The keys with the members that a public key has (RFC 7518 §6): no nested values are stored."""
    if not isinstance(jwks, dict) or not isinstance(jwks.get("keys"), list):
        return jwks
    return {
        "keys": [
            {name: value for name, value in key.items() if isinstance(value, str)} if isinstance(key, dict) else key
            for key in jwks["keys"]
        ]
    }


def _names(given: Metadata, client_id: str) -> dict[str, str]:
    """RFC 7591 §2.2: the name by language tag, of which people here see Chinese or English."""
    names: dict[str, str] = {}
    for key, value in given.items():
        name, _, tag = key.partition("#")
        if name != _NAME:
            continue
        # It is shown to people: nothing in it may turn the text around it (bidirectional controls are not printable).
        if not isinstance(value, str) or not value.isprintable() or not value.strip():
            raise InvalidClientMetadata("client_name must be printable text")
        names[tag.lower()] = value
    plain = names.get("", next(iter(names.values()), client_id))
    return {
        language: next((value for tag, value in names.items() if tag.partition("-")[0] == language), plain)
        for language in ("zh", "en")
    }


def _scopes(given: Metadata) -> tuple[str, ...]:
    """RFC 7591 §2 `scope`: those of them that there are."""
    scope = given.get("scope", " ".join(SCOPES))
    if not isinstance(scope, str):
        raise InvalidClientMetadata("scope must be a string")
    found = tuple(name for name in SCOPES if name in scope.split(" "))
    if not found:
        raise InvalidClientMetadata("scope names none of: " + " ".join(SCOPES))
    return found


def _told(error: ValidationError) -> OAuthError:
    """The first problem in RFC 7591's words; it never repeats what came in."""
    problem = error.errors(include_input=False, include_url=False)[0]
    where = str(problem["loc"][0]) if problem["loc"] else "metadata"
    kind = InvalidRedirectUri if where == "redirect_uris" else InvalidClientMetadata
    text = f"{where}: {problem['msg'].removeprefix('Value error, ')}"
    return kind(text.encode("ascii", "replace").decode())


def check_update(metadata: Metadata, client_id: str) -> None:
    """RFC 7592 §2.2: what an update must and must not contain, the secret apart. Raises InvalidClientMetadata."""
    if metadata.get("client_id") != client_id:
        raise InvalidClientMetadata("client_id must be the client's own")
    for name in _OURS:
        if name in metadata:
            raise InvalidClientMetadata(f"{name} must not be sent")
