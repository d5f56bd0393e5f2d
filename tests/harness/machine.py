"""Parts of the machine that a test needs."""

import os
from typing import NoReturn

import pytest


def missing(what: str) -> NoReturn:
    """A part of the machine is missing: a failure under CI=true, else a skip that the closing report shows."""
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)
