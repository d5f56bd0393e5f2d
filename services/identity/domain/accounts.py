"""Accounts: user names, passwords, grants."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.identity.domain.clients import EVERYWHERE, MAX_GRANTS, ROLES, Realm, grants_fit
from services.identity.errors import NotStaff, PasswordWeak, RoleUnknown, TooManyGrants, UsernameInvalid

MIN_PASSWORD = 12
"""Characters."""
MAX_PASSWORD_BYTES = 1024


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """A staff role at an organisation ("*": at every one). Ordered here: databases order text by their collation."""

    organisation: str
    role: str

    def claim(self) -> dict[str, str]:
        """The grant as the `grants` claim of a token carries it."""
        return {"org": self.organisation, "role": self.role}


@dataclass(frozen=True, slots=True)
class Account:
    """A person in one realm. `id` is the `sub` of their tokens, of clients with public subjects.

    `claims`: the standard claims that have a value, besides name and user name (see `person`).
    """

    id: str
    realm: Realm
    username: str
    name: str
    assurance: int
    enabled: bool
    version: int
    grants: tuple[Grant, ...] = ()
    claims: Mapping[str, Any] = field(default_factory=dict)


def normal_username(value: str) -> str:
    """The form in which user names are compared: NFKC, lower case, no white space around."""
    return unicodedata.normalize("NFKC", value).strip().casefold()


def check_username(value: str) -> str:
    """The normal form of a new user name. Raises UsernameInvalid."""
    found = normal_username(value)
    if not re.fullmatch(r"[\w][\w.@+-]{1,63}", found):
        raise UsernameInvalid("2 to 64 letters, digits, . _ @ + -")
    return found


def check_password(value: str) -> str:
    """A new password, unchanged (NIST SP 800-63B §5.1.1.2: length, no composition rules). Raises PasswordWeak."""
    if len(value) < MIN_PASSWORD:
        raise PasswordWeak(f"at least {MIN_PASSWORD} characters")
    if len(value.encode()) > MAX_PASSWORD_BYTES:
        raise PasswordWeak(f"at most {MAX_PASSWORD_BYTES} bytes")
    return value


def check_grant(realm: Realm, grant: Grant) -> Grant:
    """Raises NotStaff, RoleUnknown."""
    if realm is not Realm.STAFF:
        raise NotStaff("citizens act by their own right")
    if grant.role not in ROLES:
        raise RoleUnknown(f"one of {', '.join(ROLES)}")
    # A USCC, or division and department name in Chinese: "511602000000:区司法局".
    if grant.organisation != EVERYWHERE and not re.fullmatch(r"\S{1,128}", grant.organisation):
        raise RoleUnknown("an organisation id, or *")
    return grant


def check_grants(grants: Sequence[Grant]) -> tuple[Grant, ...]:
    """All grants of an account, in order. Raises TooManyGrants when no token could carry them."""
    if not grants_fit([grant.claim() for grant in grants]):
        raise TooManyGrants(f"together they have more than {MAX_GRANTS} characters in a token")
    return tuple(sorted(grants))
