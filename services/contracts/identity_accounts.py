"""Topic identity.accounts: accounts of people and of staff, without names or numbers."""

from typing import ClassVar, Literal

from services.contracts.base import Data, EventData


class Grant(Data):
    """A staff role at an organisation; `organisation` "*" means every organisation."""

    organisation: str
    role: str


class AccountEvent(EventData):
    topic: ClassVar[str] = "identity.accounts"

    account_id: str
    realm: Literal["citizen", "staff"]


class AccountOpened(AccountEvent):
    """An account was opened (开户)."""

    event_type: ClassVar[str] = "cn.tongban.identity.account-opened.v1"

    assurance: Literal[1, 2, 3, 4]


class RoleGranted(AccountEvent):
    """A staff account was given a role at an organisation."""

    event_type: ClassVar[str] = "cn.tongban.identity.role-granted.v1"

    grant: Grant
    granted_by: str


class RoleRevoked(AccountEvent):
    """A staff account lost a role at an organisation."""

    event_type: ClassVar[str] = "cn.tongban.identity.role-revoked.v1"

    grant: Grant
    revoked_by: str
