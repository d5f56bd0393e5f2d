"""Every rule of the check table has a test that misses it (`make test-deep`; README.md beside this file)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.identity.domain import checks
from tests.identity import mutants

ROOT = Path(__file__).parents[2]


@pytest.mark.deep
@pytest.mark.timeout(3600)
def test_each_rule_taken_out_turns_a_test_red() -> None:
    # A session of its own: what the worker of this one was told is none of its business.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "TESTS_"))}
    command = [sys.executable, "-m", "tests.identity.mutants"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    told = [line for line in done.stdout.splitlines() if not line.startswith("died")]
    assert done.returncode == 0, "\n".join(told) + done.stderr[-2000:]


def test_every_x_is_a_mutant_and_words_choose_some() -> None:
    everything = mutants._mutants([])
    assert len(everything) == sum(row.columns.count("x") for row in checks.TABLE)
    assert {str(mutant) for mutant in mutants._mutants(["scope", "authorize"])} == {"scope at authorize"}
    with pytest.raises(pytest.UsageError, match="nothing"):
        mutants._mutants(["nothing"])
