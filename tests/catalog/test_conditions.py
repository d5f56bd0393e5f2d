"""Conditions as expressions: what they mean with some data missing, and what is refused, without ever raising."""

import sys
import time
from datetime import date
from itertools import product
from typing import Any

import celpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.catalog.domain import conditions
from services.catalog.domain.conditions import ConditionProblem, Truth, compiled, elements_of, evaluate
from services.catalog.domain.conditions.meaning import full_years
from services.contracts.catalog_resources import DataType

TODAY = date(2026, 3, 1)
MET, NOT_MET, UNKNOWN = Truth.MET, Truth.NOT_MET, Truth.UNKNOWN


def truth(expression: str, **answers: Any) -> Truth:
    return evaluate(compiled(expression), answers, TODAY).truth


def test_what_expressions_mean(subtests: pytest.Subtests) -> None:
    born = date(1946, 3, 1)
    cases: list[tuple[str, dict[str, Any], Truth]] = [
        ("age(birth_date) >= 80", {"birth_date": born}, MET),
        ("age(birth_date) >= 80", {"birth_date": date(1946, 3, 2)}, NOT_MET),
        ("days_since(since) >= 182", {"since": date(2025, 8, 31)}, MET),
        ("since <= today", {"since": date(2026, 3, 2)}, NOT_MET),
        ('since < date("2000-01-01")', {"since": date(1999, 12, 31)}, MET),
        ("area * 1.5 >= 100", {"area": 70.0}, MET),
        ("area > 100", {"area": 100.5}, MET),
        ("1 + 2 * 3 == 7 && (1 + 2) * 3 == 9 && 10 - 3 - 2 == 5", {}, MET),
        ("-7 / 2 == -3 && -7 % 2 == -1 && 7 / -2 == -3", {}, MET),
        ("0x10 == 16 && 1.5e1 == 15.0 && !false", {}, MET),
        ('place_kind in ["barber", "hotel"]', {"place_kind": "barber"}, MET),
        ('"示例" + "区" == district && size(district) == 3', {"district": "示例区"}, MET),
        (
            'district.contains("例") && district.startsWith("示") && !district.endsWith("例")',
            {"district": "示例区"},
            MET,
        ),
        ("a ? b : c", {"a": False, "b": True, "c": False}, NOT_MET),
        ("a == 'x' // a remark\n && b", {"a": "x", "b": True}, MET),
        ("double(n) / 2.0 == 1.5", {"n": 3}, MET),
    ]
    for expression, answers, expected in cases:
        with subtests.test(expression):
            assert truth(expression, **answers) is expected


def test_what_is_not_known_is_neither_true_nor_false(subtests: pytest.Subtests) -> None:
    """Kleene's tables: what the known operands decide is decided, in either order."""
    kept = {True: "true", False: "false", None: "x"}
    said = {True: MET, False: NOT_MET, None: UNKNOWN}
    for left, right in product(kept, repeat=2):
        both = False if False in (left, right) else None if None in (left, right) else True
        either = True if True in (left, right) else None if None in (left, right) else False
        assert truth(f"{kept[left]} && {kept[right]}") is said[both]
        assert truth(f"{kept[left]} || {kept[right]}") is said[either]
    for expression in (
        "!x",
        "x == 1",
        "x in [1]",
        "1 in [x, 2]",
        "x ? true : false",
        "age(x) > 1",
        "x + 1 > 0",
        "size(x) > 0",
    ):
        with subtests.test(expression):
            assert truth(expression) is UNKNOWN
    assert truth("true ? true : x") is MET
    assert truth("x == 1", x=None) is UNKNOWN


def test_what_cannot_be_worked_out_is_told_and_raises_nothing(subtests: pytest.Subtests) -> None:
    cases: list[tuple[str, dict[str, Any]]] = [
        ("1 / 0 == 1", {}),
        ("1 % 0 == 1", {}),
        ("1.0 / 0.0 > 1.0", {}),
        ("9223372036854775807 + 1 > 0", {}),
        ("a * a * a > 1", {"a": 2**40}),
        ("1e308 * 10.0 > 1.0", {}),
        ("double(a) > 1.0", {"a": 10**400}),
        ("a > 1", {"a": "text"}),
        ("a && true", {"a": 1}),
        ("a ? true : false", {"a": 1}),
        ("a", {"a": 3}),
        ("a in b", {"a": 1, "b": 2}),
        ("a * b == a", {"a": "a", "b": 1000000}),
    ]
    for expression, answers in cases:
        with subtests.test(expression):
            found = evaluate(compiled(expression), answers, TODAY)
            assert found.truth is UNKNOWN
            assert found.problem is not None and found.problem.en
    assert truth("1 / 0 == 1 || true") is MET, "an error beside what decides is no error"
    assert truth("a == 1", a=object()) is UNKNOWN
    assert truth("a == b", a=[1], b={}) is UNKNOWN


HOSTILE: dict[str, tuple[str, str]] = {
    "brackets": ("(" * 10_000 + "a" + ")" * 10_000, "characters"),
    "brackets that fit": ("(" * 490 + "a" + ")" * 490, "nested"),
    "lists": ("[" * 400 + "]" * 400, "nested"),
    "brackets after a text": ('"(" == a && ' + "(" * 17 + "a" + ")" * 17, "nested"),
    "not": ("!" * 990 + "a", "nested"),
    "minus": ("-" * 990 + "1", "nested"),
    "choices": ("a?b:" * 240 + "c", "nested"),
    "chain": ("||".join("a" * 300), "steps"),
    "sums": ("+".join("1" * 300) + ">1", "steps"),
    "a long list": (f"1 in [{','.join('1' * 300)}]", "steps"),
    "comparisons": ("a" + "==a" * 200, "nested|steps"),
    "too long": ("a" * 1001, "characters"),
    "escapes that take 2^n": ("'" + "\\x41" * 200, "backslash"),
    "unicode escape": ('"\\u0041" == a', "backslash"),
    "NUL": ("a\0", "invisible"),
    "right-to-left override": ('a == "\u202e"', "invisible"),
    "surrogate": ('a == "\ud800"', "invisible"),
    "byte-order mark": ("\ufeffa", "invisible"),
    "empty": (" \n", "empty"),
    "repeated text": ("'a' * 1000000 == a", "does not go with"),
    "huge number": ("1" * 900 + " > a", "64 bits"),
    "huge decimal": ("1e999 > a", "that large"),
    "all": ("[1].all(x, x > 0)", "function all"),
    "exists": ("[1].exists(x, x > 0)", "function exists"),
    "exists_one": ("[1].exists_one(x, x > 0)", "function exists_one"),
    "map": ("[1].map(x, x) == [1]", "function map"),
    "filter": ("[1].filter(x, x > 0) == [1]", "function filter"),
    "reduce": ("[1].reduce(r, i, 0, r + i) == 1", "function reduce"),
    "has": ("has(a.b)", "function has"),
    "matches": ('a.matches("(a+)+$")', "function matches"),
    "type": ("type(a) == type(1)", "function type"),
    "dyn": ("dyn(a)", "function dyn"),
    "timestamp": ('timestamp("2000-01-01T00:00:00Z") < today', "function timestamp"),
    "dunder": ("a.__class__ == a", "a field"),
    "index": ("a[0]", "an index"),
    "message": ("google.protobuf.Int64Value{value: 1} == 1", "a message"),
    "mapping": ('{"a": 1} == a', "a map"),
    "root": (".a", "dot"),
    "bytes": ('b"a" == a', "bytes"),
    "unsigned": ("1u == a", "unsigned"),
    "null": ("a == null", "null"),
    "raw": ('r"a" == a', "prefix"),
    "three quotes": ('"""a""" == a', "three quotes"),
    "reserved": ("if", "reserved"),
    "open quote": ("a == 'b", "character 6"),
    "broken": ("a &&", "character"),
    "fullwidth": ("a ＞ 1", "character 3"),
    "no such day": ('date("2026-02-30") < today', "no day"),
    "day from an element": ("date(a) < today", "no day"),
    "no argument": ("age()", "one argument"),
    "two arguments": ("age(a, b)", "one argument"),
    "two arguments of a method": ('a.contains("b", "c")', "one argument"),
    "not a truth": ("1 + 1", "not true or false"),
    "a day": ("today", "not true or false"),
    "unlike": ('today == "2026"', "does not go with"),
    "mixed": ("1 + 1.0 > 1.0", "does not go with"),
    "a list in a list": ("1 in [[1]]", "does not go with"),
    "order of truths": ("true > false", "does not go with"),
    "days subtracted": ("today - today > 1", "does not go with"),
    "not a list": ("1 in 1", "does not go with"),
    "branches": ('a ? 1 : "b"', "does not go with"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_refused(name: str) -> None:
    """Each refusal has words and a mend in both languages, and takes no time."""
    expression, words = HOSTILE[name]
    begun = time.monotonic()
    with pytest.raises(ConditionProblem, match=words) as refused:
        compiled(expression)
    assert time.monotonic() - begun < 2, "with the parser's first load"
    assert all((refused.value.cause.zh, refused.value.mend.zh, refused.value.mend.en))


def test_names_and_types_come_from_the_register(subtests: pytest.Subtests) -> None:
    types: dict[str, DataType] = {
        "birth_date": "date",
        "area": "number",
        "staff": "integer",
        "name": "text",
        "ok": "boolean",
    }
    good = [
        "age(birth_date) > 1",
        "area > 1",
        "staff > 1.5",
        "area > double(staff)",
        "name == 'a'",
        "ok",
        "!ok || staff in [1]",
    ]
    for expression in good:
        with subtests.test(expression):
            conditions.check_types(compiled(expression), types)
    bad = {
        "other > 1": "no registered data element",
        "name > 1": "does not go with text, a whole number",
        "age(name) > 1": "age does not go with text",
        "area + staff > 1.0": "does not go with",
        "staff": "not true or false",
        "name in [1]": "does not go with",
    }
    for expression, words in bad.items():
        with subtests.test(expression), pytest.raises(ConditionProblem, match=words):
            conditions.check_types(compiled(expression), types)
    assert elements_of("age(birth_date) > 1 && today > date('2020-01-01') || area > 1") == {"birth_date", "area"}
    assert conditions.variable("birth-date") == "birth_date"


def test_age_is_counted_by_the_calendar(subtests: pytest.Subtests) -> None:
    cases = [
        (date(2008, 3, 1), TODAY, 18),
        (date(2008, 3, 2), TODAY, 17),
        (date(2008, 2, 29), date(2026, 2, 28), 18),
        (date(2008, 2, 29), date(2026, 2, 27), 17),
        (date(2008, 2, 29), date(2028, 2, 28), 19),
        (date(2008, 2, 29), date(2028, 2, 29), 20),
        (TODAY, TODAY, 0),
        (date(2027, 1, 1), TODAY, -1),
    ]
    for since, today, expected in cases:
        with subtests.test(f"{since} {today}"):
            assert full_years(since, today) == expected


def test_a_deadline_ends_what_takes_too_long() -> None:
    found = evaluate(compiled("1 == 1"), {}, TODAY, deadline=-1)
    assert (found.truth, bool(found.problem)) == (UNKNOWN, True)


def test_the_largest_expressions_take_little(subtests: pytest.Subtests) -> None:
    """As many steps as are admitted, on the longest answers: a tenth of the deadline (it stands at 1 ms)."""
    long = "x" * 1000
    for expression in (
        "&&".join(["a==b"] * 49),
        "size(" + "+".join("a" * 90) + ")>1",
        "||".join(["a.contains(b)"] * 49),
    ):
        with subtests.test(expression[:20]):
            program = compiled(expression)
            assert len(program.steps) <= conditions.MOST_STEPS
            begun = time.process_time()
            evaluate(program, {"a": long, "b": long[:500] + "y"}, TODAY)
            assert time.process_time() - begun < conditions.DEADLINE / 2


_PIECES = st.sampled_from(
    [
        *"ab()[]{},.?:!-+*/%<>='\"&|\\ \n",
        "&&",
        "||",
        "==",
        " in ",
        "true",
        "1",
        "2.5",
        "'a'",
        "today",
        "age(",
        "size(a)",
        "date('2020-01-01')",
        "a.contains(",
    ]
)
_ANSWERS = st.dictionaries(
    st.sampled_from("ab"),
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=9)
    | st.dates()
    | st.lists(st.integers(), max_size=2),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(_PIECES, max_size=25).map("".join) | st.text(max_size=80), _ANSWERS)
def test_no_text_makes_it_raise(text: str, answers: dict[str, Any]) -> None:
    try:
        program = compiled(text)
    except ConditionProblem:
        return
    assert evaluate(program, answers, TODAY).truth in Truth


_ATOMS = st.sampled_from(["a", "b", "true", "false"])
_NUMBER = st.recursive(
    st.sampled_from(["n", "m", "0", "7", "-3"]),
    lambda x: st.tuples(x, st.sampled_from("+-*/%"), x).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
    max_leaves=5,
)
_COMPARED = st.tuples(_NUMBER, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), _NUMBER).map(" ".join)
_LOGIC = st.recursive(
    _ATOMS | _COMPARED,
    lambda x: (
        st.tuples(x, st.sampled_from(["&&", "||"]), x).map(lambda t: f"({t[0]} {t[1]} {t[2]})")
        | x.map(lambda e: f"!({e})")
        | st.tuples(x, x, x).map(lambda t: f"({t[0]} ? {t[1]} : {t[2]})")
    ),
    max_leaves=6,
)


def _oracle() -> celpy.Environment:
    limit = sys.getrecursionlimit()
    try:
        return celpy.Environment()  # which raises the limit of the whole process
    finally:
        sys.setrecursionlimit(limit)


_ORACLE = _oracle()


@settings(max_examples=60, deadline=None)
@given(_LOGIC, st.booleans(), st.booleans(), st.integers(-9, 9), st.integers(-9, 9))
def test_with_all_data_known_it_agrees_with_cel_python(expression: str, a: bool, b: bool, n: int, m: int) -> None:
    """The library's own interpreter is the oracle: where it finds a value, ours finds the same, and else none."""
    answers = {"a": a, "b": b, "n": n, "m": m}
    program = _ORACLE.program(_ORACLE.compile(expression))
    try:
        expected = MET if program.evaluate(celpy.json_to_cel(answers)) else NOT_MET
    except celpy.CELEvalError:
        expected = UNKNOWN
    assert truth(expression, **answers) is expected
