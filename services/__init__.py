"""Tongban's services, the kit they stand on and the contracts between them."""
