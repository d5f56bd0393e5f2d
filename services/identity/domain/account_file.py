"""An operator's file of accounts: one list, in JSON or YAML, and what each of its rows may say."""

import json
from enum import StrEnum
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from services.identity.domain.clients import Realm
from services.identity.domain.person import Name, PersonClaims


class Outcome(StrEnum):
    """What became of a row that was taken."""

    OPENED = "opened"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


class RowRefused(Exception):
    """A row that cannot be taken: its number (the first is 1) and why, without what it holds."""

    def __init__(self, row: int, reason: str) -> None:
        super().__init__(reason)
        self.row = row
        self.reason = reason


class AccountDeclaration(BaseModel):
    """One account. Without a password it waits for its enrolment; `assurance` and password count for a new one only.

    Without `claims` those that the account has stay; with them they are all that it has.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    realm: Annotated[Realm, Field(strict=False)]
    username: str
    name: Name
    password: SecretStr | None = None
    assurance: int = Field(1, ge=1, le=4)
    claims: PersonClaims | None = None


def read_rows(text: str) -> list[Any]:
    """The rows of a file. Raises ValueError when it is no list."""
    try:
        found = json.loads(text)
    except ValueError:
        try:
            found = yaml.safe_load(text)
        except yaml.YAMLError as error:
            # Of the message only the place: the rest of it quotes the file, passwords and all.
            mark = getattr(error, "problem_mark", None)
            where = f" at line {mark.line + 1}" if mark is not None else ""
            raise ValueError(f"the file is neither JSON nor YAML{where}") from None
    except RecursionError:
        raise ValueError("the file is nested too deeply") from None
    if not isinstance(found, list):
        raise ValueError("the file is no list of accounts")
    return found


def read_row(number: int, row: Any) -> AccountDeclaration:
    """Raises RowRefused."""
    try:
        return AccountDeclaration.model_validate(row)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise RowRefused(number, f"{place}: {first['msg']}" if place else str(first["msg"])) from None
