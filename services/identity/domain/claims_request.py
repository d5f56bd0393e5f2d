"""The `claims` parameter (OpenID Connect Core §5.5): single claims that a client asks for, whatever its scopes."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from services.identity.domain.accounts import Account
from services.identity.domain.person import PERSON_CLAIMS, SCOPE_CLAIMS, told

MAX_CLAIMS: Final = 4096
"""Characters that the parameter may have."""
_ALWAYS: Final = frozenset({"sub", "acr", "auth_time"})
"""Claims that every ID token has; asked for with a value they are conditions of the sign-in (§5.5.1, §5.5.1.1)."""

Requested = Mapping[str, Mapping[str, Any]]
"""Claim to `essential`, `value`, `values` as far as they are given."""


@dataclass(frozen=True, slots=True)
class ClaimsRequest:
    """What is asked for and understood; the rest is ignored (§5.5)."""

    userinfo: Requested = field(default_factory=dict)
    id_token: Requested = field(default_factory=dict)

    @property
    def names(self) -> frozenset[str]:
        """The claims about the person."""
        return frozenset((*self.userinfo, *self.id_token)) - _ALWAYS

    @property
    def subjects(self) -> frozenset[str] | None:
        """The people of whom one must be signed in (§5.5.1), None for anybody."""
        asked = [_values(member["sub"]) for member in (self.userinfo, self.id_token) if "sub" in member]
        named = [frozenset(v for v in values if isinstance(v, str)) for values in asked if values is not None]
        return frozenset.intersection(*named) if named else None

    @property
    def essential_acr(self) -> list[Any] | None:
        """The levels of which one must be reached (§5.5.1.1); None where none must be."""
        asked = self.id_token.get("acr", {})
        return _values(asked) if asked.get("essential") else None

    def document(self) -> dict[str, Any]:
        """What a code and its family keep: claims about the person, and the values they are asked for with."""
        kept = {
            place: {name: _kept(asked) for name, asked in member.items() if name not in _ALWAYS}
            for place, member in (("userinfo", self.userinfo), ("id_token", self.id_token))
        }
        return {place: member for place, member in kept.items() if member}


NO_CLAIMS: Final = ClaimsRequest()


def read_claims(text: str | None, scopes: Iterable[str]) -> ClaimsRequest | None:
    """The parameter as far as it is understood, None for a malformed one. `scopes`: those that the client may ask for;
    what they would not tell, it cannot get one by one either.
    """
    if text is None:
        return NO_CLAIMS
    allowed = _ALWAYS | {name for scope in scopes for name in SCOPE_CLAIMS.get(scope, ())}
    try:
        if len(text) > MAX_CLAIMS:
            raise ValueError("too long")
        found = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
        return ClaimsRequest(_member(found, "userinfo", allowed), _member(found, "id_token", allowed))
    except (ValueError, RecursionError):
        return None


def asked_of(account: Account, requested: Requested) -> dict[str, Any]:
    """Those of the claims that have a value, and the one they are asked for with where they are."""
    found = told(account, (name for name in PERSON_CLAIMS if name in requested))
    return {name: value for name, value in found.items() if _fits(value, _values(requested[name]))}


def _member(found: Any, name: str, allowed: frozenset[str]) -> dict[str, dict[str, Any]]:
    if not isinstance(found, dict) or not isinstance(member := found.get(name, {}), dict):
        raise ValueError("no JSON object")
    asked = {claim: {} if entry is None else entry for claim, entry in member.items()}
    if not all(isinstance(entry, dict) and _well_formed(entry) for entry in asked.values()):
        raise ValueError("a claim is neither null nor an object")
    return {claim: entry for claim, entry in asked.items() if claim in allowed}


def _well_formed(entry: dict[str, Any]) -> bool:
    return isinstance(entry.get("essential", False), bool) and isinstance(entry.get("values", []), list)


def _values(entry: Mapping[str, Any]) -> list[Any] | None:
    """The values that will do; None for any."""
    if "value" in entry:
        return [entry["value"]]
    values: list[Any] | None = entry.get("values")
    return values


def _kept(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: entry[name] for name in ("value", "values") if name in entry}


def _fits(value: Any, values: list[Any] | None) -> bool:
    # Compared as JSON has them: true is no number there.
    return values is None or json.dumps(value, sort_keys=True) in [json.dumps(v, sort_keys=True) for v in values]


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name comes twice")
    return found


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")
