"""Failpoints: named places where a test lets a process die or a step fail, to prove that nothing is lost there.

"relay.after_ack=kill, consumer.before_commit=raise:2" arms two; the number says on which passage it happens (default
the first), and each happens once. They are armed by TONGBAN_FAILPOINTS or, in a running platform, by a file that the
supervisor hands to the next start of one service; in the test profile only.
"""

import os
import signal
from dataclasses import dataclass

VARIABLE = "TONGBAN_FAILPOINTS"


class FailpointReached(Exception):
    """What an armed `name=raise` raises: an unforeseen failure, as a bug or a lost connection would be."""


class FailpointsRefused(Exception):
    """Failpoints outside the test profile, or ones that cannot be read; one line."""


@dataclass(slots=True)
class _Armed:
    action: str
    passages_left: int


_armed: dict[str, _Armed] = {}


def arm(text: str) -> None:
    """Arm the failpoints that `text` lists and disarm all others. Raises FailpointsRefused outside the test profile."""
    found = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, rest = part.partition("=")
        action, _, passage = rest.partition(":")
        if not name or action not in {"kill", "raise"} or not (passage or "1").isdecimal() or passage == "0":
            raise FailpointsRefused(f"{VARIABLE}: {part!r} is not name=kill or name=raise with an optional :passage")
        found[name] = _Armed(action, int(passage or "1"))
    if found and os.environ.get("TONGBAN_PROFILE") != "test":
        raise FailpointsRefused(f"{VARIABLE} can be set in the test profile only")
    _armed.clear()
    _armed.update(found)


def refuse_armed(profile: str) -> None:
    """Raise FailpointsRefused if any is armed in a process that serves in another profile than the test profile.

    A service may be told a profile of its own, which the environment of `arm` does not show.
    """
    if _armed and profile != "test":
        raise FailpointsRefused(f"{VARIABLE} can be set in the test profile only")


async def failpoint(name: str) -> None:
    """Die here by SIGKILL, or raise FailpointReached, if `name` is armed; otherwise do nothing."""
    armed = _armed.get(name)
    if armed is None:
        return
    armed.passages_left -= 1
    if armed.passages_left:
        return
    del _armed[name]
    if armed.action == "raise":
        raise FailpointReached(name)
    os.kill(os.getpid(), signal.SIGKILL)
