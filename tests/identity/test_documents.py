"""What the documents of docs/identity name as proof is there."""

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
DOCUMENTS = HERE.parents[1] / "docs" / "identity"


@pytest.mark.parametrize("name", ["conformance.md", "threats.md"])
def test_every_test_that_is_named_exists(name: str) -> None:
    missing, module = [], ""
    for quoted in re.findall(r"`([^`]+)`", (DOCUMENTS / name).read_text("utf-8")):
        # `file.py::name`, and after it other names of the same file.
        file, _, function = quoted.rpartition("::")
        if file.endswith(".py"):
            path = HERE / file if "/" not in file else HERE.parents[1] / file
            module = path.read_text("utf-8") if path.exists() else ""
        elif not re.fullmatch(r"test_[a-z0-9_]+(\.py)?", quoted):
            continue
        found = (HERE / quoted).exists() if quoted.endswith(".py") else f"def {function}(" in module
        if not found:
            missing.append(quoted)
    assert not missing
