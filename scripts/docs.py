"""Write what is generated into the documents: docs/events.md, the README's diagram, the programs of docs/connect.md.

`--check` only compares.
"""

import re
import sys
from pathlib import Path

from services.contracts.document import diagram, page

ROOT = Path(__file__).resolve().parents[1]
_FILE = re.compile(r"(<!-- file: (\S+) -->\n```\w+\n).*?(```\n<!-- /file -->)", re.DOTALL)
_DIAGRAM = re.compile(r"(<!-- diagram -->\n```mermaid\n).*?(\n```\n<!-- /diagram -->)", re.DOTALL)


def documents() -> dict[Path, str]:
    """Each generated document as it should be."""
    found = {ROOT / "docs" / "events.md": page()}
    for name in ("README.md", "README.zh-CN.md"):
        path = ROOT / name
        text = path.read_text("utf-8")
        found[path] = _DIAGRAM.sub(lambda m: m[1] + diagram() + m[2], text)
    for name in ("connect.md", "connect.zh-CN.md"):
        path = ROOT / "docs" / name
        text = path.read_text("utf-8")
        found[path] = _FILE.sub(lambda m: m[1] + (ROOT / m[2]).read_text("utf-8") + m[3], text)
    return found


def main() -> int:
    stale = []
    for path, text in documents().items():
        if not path.is_file() or path.read_text("utf-8") != text:
            stale.append(path.relative_to(ROOT))
            if "--check" not in sys.argv:
                path.write_text(text, "utf-8")
    if stale and "--check" in sys.argv:
        sys.stderr.write(f"{', '.join(map(str, stale))}: run `make docs`\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
