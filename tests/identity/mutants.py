"""Takes one x of the check table away at a time; a test that saw the rule refuse something must fail without it.

`python -m tests.identity.mutants` tries every x, on SQLite alone. `… pkce_challenge refresh` tries some, by row or
column; a path narrows the tests (`… scope tests/identity/test_core_requests.py`); `--readme` writes the outcome into
README.md beside this file. It is a pytest plugin that this command alone loads: the provider has no switch for it.
"""

import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from services.identity.domain import checks
from services.identity.domain.checks import Endpoint, Facts
from services.identity.errors import OAuthError

HERE = Path(__file__).parent
README = HERE / "README.md"
BEGIN, END = "<!-- python -m tests.identity.mutants --readme -->", "<!-- end -->"
APART = ("test_openapi", "test_fuzz_parsers", "test_mutants", "test_migrations")
"""Modules whose input is random, or that know nothing of checks."""
Check = Callable[[Facts], None]


@dataclass(frozen=True, slots=True)
class Mutant:
    """The provider without one x of the table."""

    row: str
    endpoint: Endpoint

    def __str__(self) -> str:
        return f"{self.row} at {self.endpoint.name.lower()}"


class _Anything:
    """The next test, which is not known yet: of what is set up, only what lives for the whole session stays."""

    def __init__(self, session: pytest.Session) -> None:
        self._session = session

    def listchain(self) -> list[Any]:
        return [self._session]


@dataclass
class Mutants:
    """The plugin. First every test runs as it is, noting which rule refused in which; then come the mutants."""

    wanted: list[str]
    killers: dict[Mutant, str] = field(default_factory=dict)
    survivors: list[Mutant] = field(default_factory=list)
    red: list[str] = field(default_factory=list)
    _witnesses: dict[Mutant, set[str]] = field(default_factory=lambda: defaultdict(set))
    _costs: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    _now: str = ""
    _failed: bool = False

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if _fits(item)]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._failed = self._failed or report.failed
        self._costs[report.nodeid] += report.duration

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        mutants = _mutants(self.wanted)
        columns = {key: list(column) for key, column in checks._COLUMNS.items()}
        items = {item.nodeid: item for item in session.items}
        self._watch()
        self.red = [nodeid for nodeid, item in items.items() if self._fails(session, item)]
        costs = dict(self._costs)
        for nodeid in self.red:
            print(f"red before anything was taken out: {nodeid}", flush=True)
        for mutant in mutants:
            for key, column in columns.items():
                checks._COLUMNS[key][:] = [c for c in column if (key, c) != (_key(mutant), _check(mutant))]
            tests = sorted(self._witnesses[mutant] - set(self.red), key=lambda nodeid: costs[nodeid])
            killer = next((nodeid for nodeid in tests if self._fails(session, items[nodeid])), None)
            if killer is None:
                self.survivors.append(mutant)
                print(f"SURVIVED {mutant}; tests that saw it refuse: {len(tests)}", flush=True)
            else:
                self.killers[mutant] = killer
                print(f"died     {mutant} by {killer}", flush=True)
        return True

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        session.exitstatus = 1 if self.survivors or self.red else 0

    def _fails(self, session: pytest.Session, item: pytest.Item) -> bool:
        self._now, self._failed = item.nodeid, False
        item.ihook.pytest_runtest_protocol(item=item, nextitem=_Anything(session))
        return self._failed

    def _watch(self) -> None:
        """Let every check of every column tell when it refuses."""
        for key, column in checks._COLUMNS.items():
            rows = [row for row in checks.TABLE if row.stage is key[1] and row.guards(key[0])]
            column[:] = [self._told(row.check, Mutant(row.name, key[0])) for row in rows]

    def _told(self, check: Check, mutant: Mutant) -> Check:
        def telling(facts: Facts) -> None:
            try:
                check(facts)
            except OAuthError:
                self._witnesses[mutant].add(self._now)
                raise

        return telling


def _fits(item: pytest.Item) -> bool:
    call = getattr(item, "callspec", None)
    on_postgres = call is not None and "postgresql" in call.params.values()
    return item.path.stem not in APART and not on_postgres and item.get_closest_marker("deep") is None


def _mutants(wanted: Iterable[str]) -> list[Mutant]:
    found = [Mutant(row.name, endpoint) for row in checks.TABLE for endpoint in Endpoint if row.guards(endpoint)]
    words = set(wanted)
    rows = words & {mutant.row for mutant in found}
    columns = words & {endpoint.name.lower() for endpoint in Endpoint}
    if unknown := words - rows - columns:
        raise pytest.UsageError("no row or column of the table: " + " ".join(sorted(unknown)))
    return [
        mutant
        for mutant in found
        if mutant.row in (rows or {mutant.row}) and (not columns or mutant.endpoint.name.lower() in columns)
    ]


def _key(mutant: Mutant) -> Any:
    return mutant.endpoint, next(row.stage for row in checks.TABLE if row.name == mutant.row)


def _check(mutant: Mutant) -> Check:
    return next(row.check for row in checks.TABLE if row.name == mutant.row)


def summary(plugin: Mutants) -> str:
    """Each row with the tests that go red without it."""
    lines = [told(plugin), "", "| check taken out | at | red |", "|---|---|---|"]
    for row in checks.TABLE:
        by_test: dict[str, list[str]] = defaultdict(list)
        for endpoint in Endpoint:
            mutant = Mutant(row.name, endpoint)
            if mutant in plugin.killers or mutant in plugin.survivors:
                nodeid = plugin.killers.get(mutant, "NONE")
                name = nodeid.removeprefix("tests/identity/").partition("[")[0].replace(".py::", "::")
                by_test[name].append(endpoint.name.lower())
        for test, endpoints in by_test.items():
            lines.append(f"| `{row.name}` | {', '.join(endpoints)} | `{test}` |")
    return "\n".join(lines)


def told(plugin: Mutants) -> str:
    """The outcome in one line."""
    total = len(plugin.killers) + len(plugin.survivors)
    return f"{len(plugin.killers)} of {total} mutants died; tests red before: {len(plugin.red)}"


def main(words: list[str]) -> int:
    """Run it; 0 when every mutant died."""
    paths = [word for word in words if "/" in word] or [str(HERE)]
    plugin = Mutants([word for word in words if "/" not in word and word != "--readme"])
    quiet = ("no:terminal", "no:cacheprovider", "no:xdist")
    options = ["--override-ini=addopts=--import-mode=importlib", "--timeout=120"]
    status = int(pytest.main([*options, *(f"-p{name}" for name in quiet), *paths], plugins=[plugin]))
    print(told(plugin))
    if "--readme" in words and (plugin.killers or plugin.survivors):
        before, _, rest = README.read_text("utf-8").partition(BEGIN)
        after = rest.partition(END)[2]
        README.write_text(f"{before}{BEGIN}\n\n{summary(plugin)}\n\n{END}{after}", "utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
