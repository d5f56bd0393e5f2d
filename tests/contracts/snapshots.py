"""Write the schema snapshots anew: `python -m tests.contracts.snapshots`. A deliberate act, seen in review."""

import json
from importlib.resources import files
from pathlib import Path

from services.contracts.base import EVENT_TYPES
from services.contracts.topics import all_topics

FOLDER = Path(str(files("services.contracts"))) / "schemas"


def current() -> dict[str, str]:
    """Today's schema of each event type, as text."""
    all_topics()
    return {
        name: json.dumps(model.model_json_schema(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"
        for name, model in sorted(EVENT_TYPES.items())
    }


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in current().items():
        (FOLDER / f"{name}.json").write_text(text, "utf-8")
