"""The departments' guide shows what the API takes."""

import json
import re
from pathlib import Path

import pytest

from services.notify.api.shapes import NewSubscription

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize("name", ["departments.md", "departments.zh-CN.md"])
def test_the_guides_example_is_a_subscription(name: str) -> None:
    block = re.search(r"```json\n(.*?)```", (DOCS / name).read_text("utf-8"), re.DOTALL)
    assert block is not None
    assert NewSubscription.model_validate(json.loads(block[1])).protocolsettings.max_in_flight == 4
