"""joserfc's signature algorithms as every service uses them."""

from joserfc.jws import JWSRegistry

__all__ = ["JWSRegistry"]

# RFC 9864 names the curve (`Ed25519`) where RFC 8037 says `EdDSA`, which is what clients know: the library warns of it
# at every signature.
JWSRegistry.algorithms["EdDSA"].security_warning = None
