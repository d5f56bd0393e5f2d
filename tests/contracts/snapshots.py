"""The events' schemas as they were last agreed on: `python -m tests.contracts.snapshots` writes them anew.

A deliberate act, seen in review. A change that breaks readers is refused: it is a new event type (`….v2`).
"""

import json
import sys
from importlib.resources import files
from pathlib import Path

from services.contracts.base import EVENT_TYPES
from services.contracts.topics import all_topics
from tests.contracts.compatibility import breaking_changes

FOLDER = Path(str(files("services.contracts"))) / "schemas"


def current() -> dict[str, str]:
    """Today's schema of each event type, as text."""
    all_topics()
    return {
        name: json.dumps(model.model_json_schema(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"
        for name, model in sorted(EVENT_TYPES.items())
    }


def write(folder: Path) -> list[str]:
    """Write the snapshots into `folder`, or nothing at all and say which changes would break readers."""
    wrong = []
    for name, text in current().items():
        path = folder / f"{name}.json"
        if path.is_file():
            wrong += [
                f"{name}: {change}"
                for change in breaking_changes(json.loads(path.read_text("utf-8")), json.loads(text))
            ]
    if not wrong:
        folder.mkdir(exist_ok=True)
        for name, text in current().items():
            (folder / f"{name}.json").write_text(text, "utf-8")
    return wrong


if __name__ == "__main__":
    found = write(FOLDER)
    for line in found:
        print(line, file=sys.stderr)
    sys.exit(1 if found else 0)
