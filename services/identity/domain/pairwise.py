"""Pairwise names (OpenID Connect Core §8.1): what two sectors hear of one person and one session has nothing in common.

A shared `sid` would tell two clients that their subjects are one person, so it is as pairwise as `sub`. It leads back
to its session (RP-Initiated Logout §2): an id is 128 random bits, one AES block, permuted by the sector's own key.
"""

import re

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB


def permuted(session_id: str, key: bytes) -> str:
    """`sid` of a session under a sector's key of 32 bytes."""
    cipher = Cipher(AES(key), ECB()).encryptor()  # noqa: S305  one block alone
    return (cipher.update(bytes.fromhex(session_id)) + cipher.finalize()).hex()


def restored(sid: str, key: bytes) -> str | None:
    """The session that a `sid` of this sector would name; None for what is no `sid`."""
    if not re.fullmatch(r"[0-9a-f]{32}", sid):
        return None
    cipher = Cipher(AES(key), ECB()).decryptor()  # noqa: S305
    return (cipher.update(bytes.fromhex(sid)) + cipher.finalize()).hex()
