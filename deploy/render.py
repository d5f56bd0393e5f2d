"""Render the manifests of each overlay as `kubectl apply -k` would, and check them without a cluster.

`python -m deploy.render` writes deploy/rendered/<overlay>.yaml; with --check it only validates: every object against
the schemas of Kubernetes, unknown fields refused. What schemas cannot see is tested in tests/deploy.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml

FOLDER = Path(__file__).parent
OVERLAYS = ("production",)
OLDEST = "1.34"
"""The first Kubernetes where everything that we use is stable (`preStop.sleep`)."""


class ManifestError(Exception):
    """The manifests cannot be rendered or do not fit the schemas; one line."""


def render(overlay: str) -> str:
    """The YAML of one overlay. Raises ManifestError."""
    kubectl = Path(sys.executable).with_name("kubectl")
    done = subprocess.run(
        [str(kubectl), "kustomize", str(FOLDER / "overlays" / overlay)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise ManifestError(done.stderr.strip().splitlines()[-1])
    return done.stdout


def objects(text: str) -> list[dict[str, Any]]:
    """The objects in rendered YAML."""
    return [found for found in yaml.safe_load_all(text) if found]


def validate(found: dict[str, Any]) -> None:
    """Check one object against the oldest and the newest schemas. Raises ManifestError."""
    name = f"{found.get('kind')} {found.get('metadata', {}).get('name')}"
    for version in (OLDEST, kubernetes_validate.latest_version()):
        try:
            kubernetes_validate.validate(found, version, strict=True)
        except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError) as error:
            raise ManifestError(f"{name}: {str(error).splitlines()[0]} (Kubernetes {version})") from None


def main() -> int:
    """Render and validate all overlays; exit status 1 and one line on the first trouble."""
    try:
        for overlay in OVERLAYS:
            text = render(overlay)
            found = objects(text)
            for one in found:
                validate(one)
            if "--check" in sys.argv[1:]:
                print(f"{overlay}: {len(found)} objects are valid")
                continue
            target = FOLDER / "rendered" / f"{overlay}.yaml"
            target.parent.mkdir(exist_ok=True)
            target.write_text(text, "utf-8")
            print(f"{target}: {len(found)} objects")
    except ManifestError as error:
        print(f"manifests: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
