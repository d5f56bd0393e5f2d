"""Answers for one client's eyes: encrypted with its own key after they were signed (OpenID Connect Core §16.14)."""

from joserfc import jwe
from joserfc.jwk import ECKey, Key, KeySet, OKPKey, RSAKey

_CURVES = ("P-256", "P-384", "P-521", "X25519")


def encryption_key(keys: KeySet, algorithm: str) -> Key | None:
    """The client's key for `algorithm` (RFC 7518 §4.1): one that it published for encryption (`use`: enc)."""
    for key in keys.keys:
        if key.get("use") == "enc" and key.alg in (None, algorithm) and _fits(key, algorithm):
            return key
    return None


def _fits(key: Key, algorithm: str) -> bool:
    if algorithm.startswith("RSA"):
        return isinstance(key, RSAKey)
    return isinstance(key, (ECKey, OKPKey)) and key.curve_name in _CURVES


def encrypted(text: str, keys: KeySet, algorithm: str, content: str, *, nested: bool = True) -> str:
    """A JWE (RFC 7516) of `text` for the client's own key; `nested`: the text is a JWT (RFC 7519 §5.2)."""
    key = encryption_key(keys, algorithm)
    if key is None:
        raise RuntimeError("a client is declared with a key for the encryption that it asks for")
    header = {"alg": algorithm, "enc": content}
    if nested:
        header["cty"] = "JWT"
    if key.kid:
        header["kid"] = key.kid
    return jwe.encrypt_compact(header, text, key, algorithms=[algorithm, content])
