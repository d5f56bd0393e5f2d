"""Check: no source file of ours is longer than 400 lines; one that outgrows its name becomes a folder."""

import subprocess
import sys
from pathlib import Path

LIMIT = 400
SUFFIXES = {".py", ".js", ".css", ".html", ".yaml", ".sh"}


def main() -> int:
    """Print each file that is too long; exit status 1 if there is one."""
    tracked = subprocess.run(["git", "ls-files", "-z"], capture_output=True, check=True, text=True).stdout.split("\0")
    status = 0
    for path in (Path(name) for name in tracked if name):
        if path.suffix in SUFFIXES and path.is_file():
            lines = len(path.read_text("utf-8").splitlines())
            if lines > LIMIT:
                print(f"{path}: {lines} lines, the limit is {LIMIT}", file=sys.stderr)
                status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
