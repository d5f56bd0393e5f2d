"""Patterns of form fields: regular expressions that cost little on whatever is typed.

Cases matches them by Python's `re`, which backtracks. So the ways in which a pattern can match are counted beforehand:
each tries at most all of them (CWE-1333). Two repeats without an upper bound, or one inside another, are out of bounds;
`^[a-z]*$` and `^[^@]{1,64}@[a-z.]{1,64}$` are within.
"""

import importlib
import re
from typing import Any, Final

LONGEST: Final = 200
"""Characters of a pattern."""
_DEEPEST: Final = 20
_MOST_WAYS: Final = 2_000_000
_LARGEST: Final = 10_000
"""Length of the longest text that bounded repeats alone spell out."""
_ENDLESS: Final = 128 * 1024
"""What a repeat without an upper bound counts for: the largest set of answers, in bytes (cases, `MAX_BYTES`)."""


def pattern_problem(pattern: str) -> tuple[str, str] | None:
    """Why `pattern` is refused, in Chinese and English; None for one that may stand."""
    if len(pattern) > LONGEST:
        return f"正则表达式超过 {LONGEST} 个字符", f"the pattern has more than {LONGEST} characters"
    if _depth(pattern) > _DEEPEST:
        return f"正则表达式的括号超过 {_DEEPEST} 层", f"the pattern's brackets are nested deeper than {_DEEPEST}"
    try:
        # The tree that `re` itself compiles from; its module has no public name since Python 3.11.
        tree = importlib.import_module("re._parser").parse(pattern)
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return "正则表达式写错了", "the pattern is no regular expression"
    anchored = (
        bool(len(tree)) and str(tree[0][0]) == "AT" and str(tree[0][1]) in ("AT_BEGINNING", "AT_BEGINNING_STRING")
    )
    try:
        ways, length = _measured(tree)
    except _NotAdmitted:
        return (
            "正则表达式用了环视、反向引用或条件",
            "the pattern uses look-around, back-references or conditions",
        )
    if ways * (1 if anchored else _ENDLESS) > _MOST_WAYS or length > _LARGEST:
        return (
            "正则表达式可能要算很久：以 ^ 开头，重复写上限（如 {1,20}），重复里不再套重复或选择",
            "the pattern may take very long: begin with ^, bound repeats ({1,20}), put no repeat or choice into one",
        )
    return None


class _NotAdmitted(Exception):
    pass


def _depth(pattern: str) -> int:
    depth = deepest = 0
    for character in pattern:
        depth += (character == "(") - (character == ")")
        deepest = max(deepest, depth)
    return deepest


def _measured(items: Any) -> tuple[int, int]:
    """In how many ways `items` can match one place, and how long a text bounded repeats spell out; both cut off."""
    ways = 1
    length = 0
    for operation, argument in items:
        match str(operation):
            case "LITERAL" | "NOT_LITERAL" | "ANY" | "IN" | "CATEGORY":
                each, long = 1, 1
            case "AT":
                each, long = 1, 0
            case "BRANCH":
                measured = [_measured(branch) for branch in argument[1]]
                each, long = sum(one for one, _ in measured), max(one for _, one in measured)
            case "SUBPATTERN":
                each, long = _measured(argument[-1])
            case "MAX_REPEAT" | "MIN_REPEAT":
                each, long = _repeated(*argument)
            case _:
                raise _NotAdmitted
        ways, length = min(ways * each, 2 * _MOST_WAYS), min(length + long, 2 * _LARGEST)
    return ways, length


def _repeated(least: Any, most: Any, body: Any) -> tuple[int, int]:
    ways, length = _measured(body)
    endless = str(most) == "MAXREPEAT"
    last = _ENDLESS if endless else int(most)
    long = max(length, 1) * (int(least) if endless else last)
    if ways == 1:
        return last - int(least) + 1, long
    total, power = 0, ways ** min(int(least), 32)
    for _ in range(int(least), last + 1):
        total += power
        if total > _MOST_WAYS:
            break
        power *= ways
    return total, long
