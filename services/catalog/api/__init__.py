"""HTTP of the catalogue. Deny by default: every router asks for a token, and what writes asks for a role."""
