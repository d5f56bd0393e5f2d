"""Tables of the catalogue and every statement on them."""
