"""Use cases of identity, one unit of work each."""

from services.identity.handlers.accounts import (
    GrantRole,
    OpenAccount,
    RevokeRole,
    find_staff,
    grant_role,
    open_account,
    revoke_role,
)
from services.identity.handlers.keys import RetireKey, RotateKeys, list_keys, retire_key, rotate_keys

__all__ = [
    "GrantRole",
    "OpenAccount",
    "RetireKey",
    "RevokeRole",
    "RotateKeys",
    "find_staff",
    "grant_role",
    "list_keys",
    "open_account",
    "retire_key",
    "revoke_role",
    "rotate_keys",
]
