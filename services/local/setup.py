"""Set-up of the local Kafka: `python -m services.local.setup FOLDER` fetches its jars and trains Java's class cache.

Done once; run again it only verifies. Without the cache everything works, a start just costs more.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from services.local import jars
from services.local.kafka import KafkaError, KafkaNode, KafkaPlan, bundled_java, wait_ready
from services.local.ports import free_ports

TRAINING_SECONDS = 120.0


def main() -> int:
    """Exit status 1 and one line when the jars cannot be had."""
    libs = Path(sys.argv[1]) / "libs"
    try:
        fetched = jars.fetch(libs)
        trained = train(libs, again=bool(fetched))
    except (jars.JarError, KafkaError, OSError) as error:
        print(f"kafka: {error}", file=sys.stderr)
        return 1
    done = (
        "class cache trained" if trained else "class cache there" if _plan(libs, Path()).class_cache.is_file() else ""
    )
    print(", ".join(filter(None, (f"kafka: {len(jars.pinned())} jars verified in {libs}", f"{fetched} fetched", done))))
    return 0


def train(libs: Path, *, again: bool) -> bool:
    """Start a node once and stop it, so that Java keeps what it loaded; whether that was done."""
    with tempfile.TemporaryDirectory() as folder:
        plan = _plan(libs, Path(folder) / "kafka")
        if bundled_java() is None or (plan.class_cache.is_file() and not again):
            return False
        plan.class_cache.unlink(missing_ok=True)
        node = KafkaNode(plan)
        node.start()
        try:
            asyncio.run(wait_ready(plan.bootstrap))
        finally:
            node.stop(TRAINING_SECONDS)  # the cache is written now
        return plan.class_cache.is_file()


def _plan(libs: Path, folder: Path) -> KafkaPlan:
    port, controller_port = free_ports(2)
    return KafkaPlan(folder, port, controller_port, libs=libs, training=True)


if __name__ == "__main__":
    sys.exit(main())
