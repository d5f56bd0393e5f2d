"""DPoP proofs read without a service around them (RFC 9449 §4.3 and §8)."""

import pytest
from joserfc.jwk import RSAKey

from services.kit import dpop
from services.kit.dpop import Nonces, normalized
from tests.identity.dpop import TOKEN, Holder


def test_section_8_nonces_are_of_a_span_and_a_key() -> None:
    """Replicas with the key take each other's; one whose master key is rotated takes those of the key before."""
    old, new = Nonces([b"o" * 32], 120), Nonces([b"n" * 32, b"o" * 32], 120)
    nonce = old.at(1_200_000)
    assert nonce == old.at(1_200_119) != old.at(1_200_120)
    assert all(taker.fits(nonce, now) for taker in (old, new) for now in (1_200_000, 1_200_239))
    assert not any(old.fits(nonce, now) for now in (1_199_999, 1_200_240))
    assert not old.fits(new.at(1_200_000), 1_200_000)
    assert not any(old.fits(wrong, 1_200_000) for wrong in (None, 7, "", "é", nonce + "A", [nonce]))


@pytest.mark.parametrize(
    ("address", "same"),
    [
        ("https://id.example/token", True),
        ("HTTPS://ID.example:443/token?a=b#c", True),
        ("https://id.example/%74o%6ben", True),
        ("https://id.example/x/../token", True),
        ("https://id.example/./token", True),
        ("https://id.example/token/", False),
        ("https://id.example//token", False),
        ("https://id.example:8443/token", False),
        ("https://u@id.example/token", False),
        ("https://id.example/Token", False),
        ("https://id.example:99999/token", False),
        ("https://id.example/token ", False),
        ("https://[id.example/token", False),
        ("https://id.example/toke%C3%B1", False),
    ],
)
def test_section_4_3_addresses_are_normalized_as_rfc_3986_6_2_has_it(address: str, same: bool) -> None:
    assert (normalized(address) == normalized(TOKEN)) is same


def test_keys_that_cost_too_much_are_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proof is read before anybody is known, whatever its key takes."""
    proof = Holder(key=RSAKey.generate_key(2048), alg="PS256").proof()
    found = dpop.read([proof])
    assert found is not None and found.jkt
    for name, limit in (("MAX_RSA_BITS", 2047), ("MAX_RSA_EXPONENT", 65536)):
        with monkeypatch.context() as patched:
            patched.setattr(dpop, name, limit)
            found = dpop.read([proof])
            assert found is not None and not found.jkt
