"""`python -m services.cli`, the same as `tongban`."""

from services.cli import main

main()
