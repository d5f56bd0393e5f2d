"""From text to a small tree: what is refused before the parser sees it, and what of its parse tree is admitted."""

import math
import re
import threading
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, Final

from services.contracts.base import Text

LONGEST: Final = 1000
"""Characters of an expression."""
DEEPEST: Final = 16
"""Nesting of brackets, calls, choices and operators of differing kind."""
MOST_STEPS: Final = 200
"""Steps of an evaluation, and no more: each runs once."""
TODAY: Final = "today"
"""The one name that is no data element: the day on which the condition is looked at, in Asia/Shanghai."""

_INT64: Final = 2**63
# Reserved by CEL (langdef.md, "Syntax"); the parser takes them for names.
_RESERVED: Final = re.compile(
    "as|break|const|continue|else|false|for|function|if|import|in|let|loop|package|namespace|null|return|true|var|void|"
    "while"
)
_LOGIC: Final = {"conditionalor": "||", "conditionaland": "&&"}
_FUNCTIONS: Final = frozenset({"size", "date", "age", "days_since", "double"})
_METHODS: Final = frozenset({"startsWith", "endsWith", "contains"})
_OPERATORS: Final = {
    "relation_lt": "<",
    "relation_le": "<=",
    "relation_gt": ">",
    "relation_ge": ">=",
    "relation_eq": "==",
    "relation_ne": "!=",
    "relation_in": "in",
    "addition_add": "+",
    "addition_sub": "-",
    "multiplication_mul": "*",
    "multiplication_div": "/",
    "multiplication_mod": "%",
}
# What the parser wraps every part in, one node a level of precedence.
_LEVELS: Final = frozenset(
    {
        *("expr", "conditionalor", "conditionaland", "relation", "addition", "multiplication", "unary", "member"),
        *("primary", "paren_expr"),
    }
)
_OFFERED: Final = ("size", "startsWith", "endsWith", "contains", "double", "date", "age", "days_since")
_KINDS: Final = {
    "member_dot": ("字段（a.b）", "a field (a.b)"),
    "member_index": ("下标（a[b]）", "an index (a[b])"),
    "member_object": ("消息（a{b: c}）", "a message (a{b: c})"),
    "map_lit": ("映射（{a: b}）", "a map ({a: b})"),
    "dot_ident": ("以点开头的名称", "a name that begins with a dot"),
    "dot_ident_arg": ("以点开头的名称", "a name that begins with a dot"),
    "BYTES_LIT": ('字节（b"…"）', 'bytes (b"…")'),
    "UINT_LIT": ("无符号整数（1u）", "an unsigned number (1u)"),
    "NULL_LIT": ("null", "null"),
    "STRING_LIT": ('带前缀的文字（r"…"）', 'a text with a prefix (r"…")'),
    "MLSTRING_LIT": ("三个引号的文字", "a text in three quotes"),
}
_QUOTES: Final = "\"'"
_ISO_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_PARSING: Final = threading.Lock()

Value = bool | int | float | str | date


class ConditionProblem(ValueError):
    """An expression that is refused: why, and how to mend it."""

    def __init__(self, cause: Text, mend: Text) -> None:
        super().__init__(cause.en)
        self.cause = cause
        self.mend = mend


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an expression in postfix order: push `value`, load the name `name`, or apply `operation` to the
    `takes` values before."""

    operation: str = ""
    takes: int = 0
    name: str = ""
    value: Value = False


@dataclass(frozen=True, slots=True)
class Program:
    """An expression that was read: its steps, each of which runs once, and the names that it asks for."""

    text: str
    steps: tuple[Step, ...]
    names: frozenset[str]


def problem(zh: str, en: str, mend_zh: str, mend_en: str) -> ConditionProblem:
    return ConditionProblem(Text(zh=zh, en=en), Text(zh=mend_zh, en=mend_en))


def read(text: str) -> Program:
    """Read `text`. Raises ConditionProblem, and nothing else whatever the text is."""
    _guard(text)
    reader = _Reader()
    reader.node(_parsed(text), 0)
    return Program(text, tuple(reader.steps), frozenset(reader.names))


def _guard(text: str) -> None:
    """What no parser need see: each check is linear in the text."""
    if len(text) > LONGEST:
        raise problem(
            f"表达式有 {len(text)} 个字符，最多 {LONGEST} 个。",
            f"The expression has {len(text)} characters, {LONGEST} at most are read.",
            "拆成几条条件，或者只用文字写。",
            "Split it into several conditions, or say it in words only.",
        )
    if not text.strip():
        raise problem(
            "表达式是空的。", "The expression is empty.", "写上表达式，或者删掉它。", "Write one, or leave it out."
        )
    for character in text:
        if character == "\\":
            raise problem(
                "表达式里有反斜杠。",
                "The expression holds a backslash.",
                "直接写出这个字符，不用转义。",
                "Write the character itself; nothing is escaped.",
            )
        if unicodedata.category(character)[0] == "C" and character not in "\t\n\r":
            raise problem(
                f"表达式里有看不见的字符 U+{ord(character):04X}。",
                f"The expression holds the invisible character U+{ord(character):04X}.",
                "删掉它，重新输入。",
                "Delete it and type that part anew.",
            )
    _guard_brackets(text)


def _guard_brackets(text: str) -> None:
    depth, quote = 0, ""
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in _QUOTES:
            quote = character
        elif character in "([{":
            depth += 1
            if depth > DEEPEST:
                raise _too_deep()
        elif character in ")]}":
            depth -= 1


def _too_deep() -> ConditionProblem:
    return problem(
        f"表达式嵌套超过 {DEEPEST} 层。",
        f"The expression is nested deeper than {DEEPEST}.",
        "去掉多余的括号，或者拆成几条条件。",
        "Drop needless brackets, or split it into several conditions.",
    )


@cache
def _parser() -> tuple[Callable[[str], Any], type[Exception]]:
    # Imported at the first expression: 0.3 s and 23 MB that a service's start does not need.
    from celpy.celparser import CELParseError, CELParser

    return CELParser().parse, CELParseError


def warm() -> None:
    """Load the parser, so that the first condition need not wait for it."""
    with _PARSING:
        _parser()


def _parsed(text: str) -> Any:
    with _PARSING:
        parse, refused = _parser()
        try:
            return parse(text)
        except refused as error:
            column = getattr(error, "column", None)
            raise problem(
                f"从第 {column or '?'} 个字符起读不懂。",
                f"It cannot be read from character {column or '?'} on.",
                "检查引号、括号和运算符；且写 &&，或写 ||，等于写 ==。",
                "Check quotes, brackets and operators; and is &&, or is ||, equals is ==.",
            ) from None


class _Reader:
    """Walks the parser's tree, whose every level of precedence is a node, and writes the steps down. Its recursion is
    bounded by `DEEPEST`: single children and chains of operators are followed in loops."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.names: set[str] = set()

    def node(self, tree: Any, depth: int) -> None:
        if depth > DEEPEST:
            raise _too_deep()
        while len(tree.children) == 1 and tree.data in _LEVELS:
            tree = tree.children[0]
        match tree.data:
            case "literal":
                self._step(Step(value=_literal(tree.children[0])))
            case "ident":
                self._name(str(tree.children[0]))
            case "ident_arg":
                self._function(str(tree.children[0]), tree.children[1:], depth)
            case "list_lit":
                self._step(Step("list", self._arguments(tree.children, depth)))
            case "member_dot_arg":
                self._method(tree, depth)
            case "expr":
                for child in tree.children:
                    self.node(child, depth + 1)
                self._step(Step("?:", 3))
            case "conditionalor" | "conditionaland" | "relation" | "addition" | "multiplication":
                self._chain(tree, depth)
            case "unary":
                self.node(tree.children[1], depth + 1)
                self._step(Step("!" if tree.children[0].data == "unary_not" else "neg", 1))
            case _:
                raise _not_admitted(*_KINDS.get(tree.data, ("这种写法", "this construct")))

    def _step(self, step: Step) -> None:
        if len(self.steps) == MOST_STEPS:
            raise problem(
                f"表达式超过 {MOST_STEPS} 步。",
                f"The expression takes more than {MOST_STEPS} steps.",
                "拆成几条条件。",
                "Split it into several conditions.",
            )
        self.steps.append(step)

    def _chain(self, tree: Any, depth: int) -> None:
        """`a + b - c …`, which the parser nests to the left as deep as it is long."""
        rest: list[tuple[str, Any]] = []
        kind = tree.data
        while tree.data == kind and len(tree.children) == 2:
            left, right = tree.children
            if kind in _LOGIC:
                rest.append((_LOGIC[kind], right))
                tree = left
            else:
                rest.append((_OPERATORS[left.data], right))
                tree = left.children[0]
        self.node(tree, depth + 1)
        for operator, right in reversed(rest):
            self.node(right, depth + 1)
            self._step(Step(operator, 2))

    def _name(self, name: str) -> None:
        if _RESERVED.fullmatch(name):
            raise _not_admitted(f"保留字 {name}", f"the reserved word {name}")
        if name != TODAY:
            self.names.add(name)
        self._step(Step(name=name))

    def _function(self, name: str, arguments: list[Any], depth: int) -> None:
        if name not in _FUNCTIONS:
            raise _not_admitted(f"函数 {name[:40]}", f"the function {name[:40]}")
        begun = len(self.steps)
        if (given := self._arguments(arguments, depth)) != 1:
            raise _arguments_problem(f"{name}(…)", given)
        if name == "date":
            self.steps[begun:] = [Step(value=_day(self.steps[begun:]))]
        else:
            self._step(Step(name, 1))

    def _method(self, tree: Any, depth: int) -> None:
        name = str(tree.children[1])
        if name not in _METHODS:
            raise _not_admitted(f"函数 {name[:40]}", f"the function {name[:40]}")
        self.node(tree.children[0], depth + 1)
        if (given := self._arguments(tree.children[2:], depth)) != 1:
            raise _arguments_problem(f"x.{name}(…)", given)
        self._step(Step(name, 2))

    def _arguments(self, exprlist: list[Any], depth: int) -> int:
        arguments = exprlist[0].children if exprlist else []
        for argument in arguments:
            self.node(argument, depth + 1)
        return len(arguments)


def _literal(token: Any) -> Value:
    written = str(token)
    match token.type:
        case "BOOL_LIT":
            return written == "true"
        case "INT_LIT":
            number = int(written, 16 if "x" in written else 10)
            if -_INT64 <= number < _INT64:
                return number
            raise _not_admitted("超过 64 位的整数", "a whole number of more than 64 bits")
        case "FLOAT_LIT":
            if math.isfinite(decimal := float(written)):
                return decimal
            raise _not_admitted("太大的小数", "a decimal number that large")
        case "STRING_LIT" if written[0] in _QUOTES:
            return written[1:-1]
    raise _not_admitted(*_KINDS.get(token.type, ("这种写法", "this construct")))


def _day(steps: list[Step]) -> date:
    written = steps[0].value if len(steps) == 1 and not steps[0].name else None
    if isinstance(written, str) and _ISO_DAY.fullmatch(written):
        with suppress(ValueError):
            return date.fromisoformat(written)
    raise problem(
        "date(…) 里不是一个日期。",
        "What stands in date(…) is no day.",
        '写成 date("2000-01-31")。',
        'Write date("2000-01-31").',
    )


def _arguments_problem(form: str, given: int) -> ConditionProblem:
    return problem(
        f"{form} 要一个参数，写了 {given} 个。",
        f"{form} takes one argument, {given} are given.",
        "括号里只写一项。",
        "Write one thing in the brackets.",
    )


def _not_admitted(zh: str, en: str) -> ConditionProblem:
    return problem(
        f"条件里不能用{zh}。",
        f"A condition cannot use {en}.",
        "只用数据元、today、文字、数字、比较、逻辑和算术运算，以及 " + "、".join(_OFFERED) + "。",
        "Use data elements, today, texts, numbers, comparison, logic, arithmetic and " + ", ".join(_OFFERED) + ".",
    )
