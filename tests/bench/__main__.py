"""`make bench`: every figure with its bar. Ratios are taken in one run, side by side.

`make bench ARGS="whole-way --rounds 1"` runs one part: whole-way, parts, identity, import, search, local.
`make bench ARGS="identity --logins 100000"` is the long form of one.
"""

import argparse
import asyncio
import statistics
import sys

from tests.bench.catalogue import catalogue, filled
from tests.bench.identity import identity
from tests.bench.importing import importing
from tests.bench.local import local_platform
from tests.bench.machine import NeedsProgram, machine
from tests.bench.parts import consumer_alone, relay_alone
from tests.bench.whole_way import whole_way

PARTS = ("whole-way", "parts", "identity", "import", "search", "local")


async def on_servers(chosen: set[str], rounds: int, seconds: int, logins: int, rows: int, items: int) -> None:
    """What needs PostgreSQL and Kafka of its own."""
    async with machine(shared_buffers="512MB" if "search" in chosen else "64MB") as servers:
        if "parts" in chosen:
            print(f"relay alone      {await relay_alone(servers):8.0f} events/s (bar 15,000)")
            print(f"consumer alone   {await consumer_alone(servers):8.0f} events/s with an effect (bar 5,000)")
        if "whole-way" in chosen:
            print("whole way: POST of a case → PostgreSQL + outbox → Kafka → inbox → effect")
            pairs = await whole_way(servers, seconds=seconds, rounds=rounds)
            for ours, lean in pairs:
                for way in (ours, lean):
                    print(
                        f"  {way.name:9} {way.events_a_second:8.0f} events/s  {way.posts_a_second:8.0f} POST/s  "
                        f"p50 {way.p50_ms:6.1f} ms  p99 {way.p99_ms:6.1f} ms  errors {way.errors}"
                    )
            ratios = [ours.events_a_second / lean.events_a_second for ours, lean in pairs]
            shown = ", ".join(f"{ratio:.2f}" for ratio in ratios)
            middle = statistics.median(ratios)
            print(f"  ratio to the baseline: median {middle:.2f} ({shown}); the bar is 0.6, the aim 0.9")
        if "identity" in chosen:
            await identity(servers, rounds=rounds, seconds=seconds, logins=logins)
        if "import" in chosen:
            await importing(servers, rows=rows)
        if "search" in chosen:
            print(f"search, typing help, guide over {items:,} items")
            database = await filled(servers, items)

            def restart() -> None:
                servers.postgres.stop()
                servers.postgres.start()

            await catalogue(servers, database, seconds, print, restart)


def local(database: str) -> None:
    """The local platform's figures."""
    found = local_platform(database)
    total = sum(found["memory"].values())
    each = ", ".join(f"{name} {size:.0f}" for name, size in sorted(found["memory"].items()))
    print(f"local platform on {database}")
    print(f"  ready after {found['ready']:.1f} s (bar 8)")
    print(f"  memory {total:.0f} MiB proportional set size in all (bar 550): {each}")
    print(f"  idle {found['idle'] * 100:.1f} % of one core (bar 10)")
    print(f"  commit → webhook p50 {found['delay'][0]:.0f} ms, p95 {found['delay'][1]:.0f} ms (bar 50 on PostgreSQL)")
    for place, delay in found["published"].items():
        print(f"  publication → {place} {delay:.0f} ms at the slowest of 40 (bar 1,000)")
    for path, size in found["pages"].items():
        print(f"  first visit of {path}: {size / 1024:.1f} KiB on the wire (bar 40)")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("only", nargs="*", choices=[*PARTS, []], default=[])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--logins", type=int, default=2000, help="over how many memory is watched")
    parser.add_argument("--rows", type=int, default=100_000, help="how many an import takes")
    parser.add_argument("--items", type=int, default=1_000_000, help="over how many is searched")
    given = parser.parse_args()
    chosen = set(given.only) or set(PARTS)
    try:
        if chosen - {"local"}:
            asyncio.run(on_servers(chosen, given.rounds, given.seconds, given.logins, given.rows, given.items))
        if "local" in chosen:
            for database in ("sqlite", "postgresql"):
                local(database)
    except NeedsProgram as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
