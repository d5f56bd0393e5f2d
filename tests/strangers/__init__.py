"""Trials of strangers' software: unmodified relying parties that know the issuer's address and nothing else of us."""
