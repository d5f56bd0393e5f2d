"""What the supervisor does with the processes it keeps: starts them again, gives up, stops them."""

import os
import signal
import time
from pathlib import Path

import pytest

from services.local import children
from services.local.children import Forked, GivenUp, KafkaChild, Keeper
from services.local.kafka import KafkaNode, KafkaPlan
from tests.harness.platform import alive


def _wait(child: Forked, seconds: float = 10.0) -> int:
    deadline = time.monotonic() + seconds
    while (status := child.exit_status()) is None:
        assert time.monotonic() < deadline, f"{child.name} still runs"
        time.sleep(0.01)
    return status


def _sleep(_: bool) -> int:
    time.sleep(60)
    return 0


def test_a_child_tells_its_exit_status_and_writes_to_its_log(tmp_path: Path) -> None:
    def body(_: bool) -> int:
        print("the last words")
        return 7

    child = Forked("one", tmp_path / "one.log", body)
    child.start()
    assert _wait(child) == 7
    assert child.last_words() == "the last words"
    assert (tmp_path / "one.log").stat().st_mode & 0o777 == 0o600


def test_a_child_that_raises_ends_with_1_and_leaves_its_traceback(tmp_path: Path) -> None:
    def body(_: bool) -> int:
        raise ValueError("what went wrong")

    child = Forked("one", tmp_path / "one.log", body)
    child.start()
    assert _wait(child) == 1
    assert child.last_words() == "ValueError: what went wrong"


def test_a_child_that_was_not_started_is_sent_nothing(tmp_path: Path) -> None:
    """Its process id is 0, and signals to 0 go to the whole process group: ours."""

    def body(_: bool) -> int:  # a group of its own: a failure must not end the tests
        heard: list[int] = []
        signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
        Forked("one", tmp_path / "one.log", _sleep).signal(signal.SIGTERM)
        KafkaChild(KafkaNode(KafkaPlan(tmp_path, 1, 2))).signal(signal.SIGTERM)
        return len(heard)

    outer = Forked("outer", tmp_path / "outer.log", body)
    outer.start()
    assert _wait(outer) == 0


def test_only_the_first_start_is_told_that_it_is_the_first(tmp_path: Path) -> None:
    child = Forked("one", tmp_path / "one.log", lambda first: 3 if first else 4)
    child.start()
    assert _wait(child) == 3
    child.start()
    assert _wait(child) == 4


def test_a_child_leaves_the_process_group_so_that_ctrl_c_does_not_reach_it(tmp_path: Path) -> None:
    child = Forked("one", tmp_path / "one.log", lambda _: 0 if os.getpgid(0) == os.getpid() else 9)
    child.start()
    assert _wait(child) == 0


def test_what_was_killed_is_started_again_with_growing_pauses(tmp_path: Path) -> None:
    child = Forked("one", tmp_path / "one.log", _sleep)
    keeper = Keeper(child, limit=3)
    keeper.start()
    pids = {child.pid}
    for pause in ("0.2", "0.4"):
        child.signal(signal.SIGKILL)
        _wait(child)
        assert keeper.tend() == f"one ended with SIGKILL; starting it again in {pause} s"
        deadline = time.monotonic() + 5
        while child.pid in pids:
            assert keeper.tend() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        pids.add(child.pid)
    child.signal(signal.SIGKILL)
    _wait(child)


def test_the_supervisor_gives_up_on_what_dies_too_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "_FIRST_DELAY", 0.0)

    def body(_: bool) -> int:
        print("no database")
        return 1

    child = Forked("one", tmp_path / "one.log", body)
    keeper = Keeper(child, limit=2)
    keeper.start()
    with pytest.raises(GivenUp, match="one ended with exit status 1 3 times: no database"):
        while True:
            keeper.tend()
            time.sleep(0.01)


def test_a_child_dies_with_its_parent(tmp_path: Path) -> None:
    pid_file = tmp_path / "grandchild"

    def parent(_: bool) -> int:
        inner = Forked("inner", tmp_path / "inner.log", _sleep)
        inner.start()
        pid_file.write_text(str(inner.pid))
        return _sleep(True)

    outer = Forked("outer", tmp_path / "outer.log", parent)
    outer.start()
    deadline = time.monotonic() + 10
    while not pid_file.is_file() or not pid_file.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    grandchild = int(pid_file.read_text())
    time.sleep(0.2)  # let it ask the kernel to be told
    outer.signal(signal.SIGKILL)
    _wait(outer)
    while alive(grandchild):
        assert time.monotonic() < deadline, "the grandchild outlived its parent"
        time.sleep(0.05)
