"""The standard claims about a person (OpenID Connect Core §5.1): what may be said of one, and which scope tells it."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Annotated, Any, Final, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from services.identity.domain.accounts import Account
from services.identity.domain.redirects import registrable

SCOPE_CLAIMS: Final[Mapping[str, tuple[str, ...]]] = {
    "profile": (
        "name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile", "picture",
        "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at",
    ),
    "email": ("email", "email_verified"),
    "address": ("address",),
    "phone": ("phone_number", "phone_number_verified"),
}  # fmt: skip
"""OpenID Connect Core §5.4."""
PERSON_CLAIMS: Final = tuple(name for names in SCOPE_CLAIMS.values() for name in names)
IN_ID_TOKEN: Final = ("name", "preferred_username")
"""What `profile` tells in the ID token too. §5.4 has userinfo tell the rest; `claims` (§5.5) may ask for more."""
_CATEGORIES: Final = frozenset({"Cc", "Cs", "Co", "Cn", "Zl", "Zp"})
_OVERRIDES: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z]{4})?(-([a-z]{2}|[0-9]{3}))?(-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*", re.I)
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL = re.compile(rf"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~-]+)*@({_LABEL}\.)+{_LABEL}")


def one_line(value: str) -> str:
    """Text for people: no control characters, direction overrides or white space around. Raises ValueError."""
    if any(unicodedata.category(c) in _CATEGORIES or c in _OVERRIDES for c in value):
        raise ValueError("has a control character or direction override")
    if value != value.strip():
        raise ValueError("has white space around it")
    return value


def _lines(value: str) -> str:
    # §5.1.1: lines end in a carriage return and line feed or in a line feed.
    for line in value.replace("\r\n", "\n").split("\n"):
        one_line(line)
    return value


def _https(value: str) -> str:
    if problem := registrable(value, loopback_http=False):
        raise ValueError(f"this URL {problem}")
    return value


def _birthdate(value: str) -> str:
    """§5.1: YYYY-MM-DD (ISO 8601-1), 0000 for a year that is not told, or the year alone."""
    if not re.fullmatch(r"[0-9]{4}(-[0-9]{2}-[0-9]{2})?", value):
        raise ValueError("is no date YYYY-MM-DD or year YYYY")
    year, rest = value[:4], value[4:]
    date.fromisoformat(("2000" if year == "0000" else year) + (rest or "-01-01"))
    return value


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (OSError, ValueError, KeyError):  # a folder of zones, a path, an unknown name
        raise ValueError("is no time zone of the IANA database") from None
    return value


def _language(value: str) -> str:
    if not _LANGUAGE.fullmatch(value):
        raise ValueError("is no language tag (BCP 47)")
    return value


def _email(value: str) -> str:
    if not _EMAIL.fullmatch(value) or len(value.rpartition("@")[0]) > 64:
        raise ValueError("is no e-mail address (RFC 5322 addr-spec)")
    return value


def _phone(value: str) -> str:
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}(;ext=[0-9]{1,10})?", value):
        raise ValueError("is no number as E.164 has it, such as +8613800000000")
    return value


def _text_of_date(value: Any) -> Any:
    # YAML reads a date where none is quoted.
    return value.isoformat() if type(value) is date else value


Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(one_line)]
_Lines = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_lines)]
_Url = Annotated[str, Field(max_length=1000), AfterValidator(_https)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Address(_Strict):
    """A postal address (§5.1.1)."""

    formatted: _Lines | None = None
    street_address: _Lines | None = None
    locality: Name | None = None
    region: Name | None = None
    postal_code: Annotated[str, Field(min_length=1, max_length=20), AfterValidator(one_line)] | None = None
    country: Name | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_dump(exclude_none=True):
            raise ValueError("an address says something")
        return self


class PersonClaims(_Strict):
    """The claims that an account may have besides name and user name. What is absent has no value."""

    given_name: Name | None = None
    family_name: Name | None = None
    middle_name: Name | None = None
    nickname: Name | None = None
    profile: _Url | None = None
    picture: _Url | None = None
    website: _Url | None = None
    gender: Annotated[str, Field(min_length=1, max_length=40), AfterValidator(one_line)] | None = None
    birthdate: Annotated[str, BeforeValidator(_text_of_date), AfterValidator(_birthdate)] | None = None
    zoneinfo: Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_time_zone)] | None = None
    locale: Annotated[str, Field(max_length=35), AfterValidator(_language)] | None = None
    updated_at: Annotated[int, Field(ge=0, le=253402300799)] | None = None
    """Without it, when the claims were last changed here."""
    email: Annotated[str, Field(max_length=254), AfterValidator(_email)] | None = None
    email_verified: bool | None = None
    phone_number: Annotated[str, AfterValidator(_phone)] | None = None
    phone_number_verified: bool | None = None
    address: Address | None = None

    @model_validator(mode="after")
    def _verified_is_there(self) -> Self:
        for name in ("email", "phone_number"):
            if getattr(self, name) is None and getattr(self, f"{name}_verified") is not None:
                raise ValueError(f"{name}_verified says something of {name}, which is missing")
        return self

    def document(self) -> dict[str, Any]:
        """The claims that have a value."""
        return self.model_dump(exclude_none=True)


def told(account: Account, names: Iterable[str]) -> dict[str, Any]:
    """Those of the named claims that have a value; one without is left out, never null (§5.3.2)."""
    known = {"name": account.name, "preferred_username": account.username, **account.claims}
    return {name: known[name] for name in names if name in known}


def scope_claims(scope: Iterable[str]) -> list[str]:
    """Names of the claims that the scopes ask for (§5.4)."""
    return [name for word in scope for name in SCOPE_CLAIMS.get(word, ())]
