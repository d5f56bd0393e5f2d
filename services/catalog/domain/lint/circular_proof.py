"""circular-proof (循环证明): items whose results and materials form a cycle, so that none of them can be had.

An item can be had when everything that it demands can: another item's result, when that item can; a licence, when
one of the items that give it can, or when none in the catalogue does (it comes from elsewhere). What cannot be had and
leads back to itself is refused, the cycle printed. An item that demands the licence which it gives itself renews or
changes it: no cycle. Iterative: no recursion limit, time in proportion to the demands.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Final

from services.catalog.domain.findings import Finding
from services.catalog.domain.items import ItemContent
from services.catalog.domain.links import demands_of, needs_of
from services.catalog.domain.lint.facts import Facts
from services.contracts.base import Text

RULE: Final = "circular-proof"
Demands = Mapping[str, frozenset[str]]


def check(content: ItemContent, facts: Facts) -> Iterator[Finding]:
    for material, cycle in cycles(content, facts).items():
        names = [_name(node, content, facts) for node in cycle]
        yield Finding(
            RULE,
            f"materials.{material}",
            Text(
                zh="循环证明：" + " → ".join(name.zh for name in names) + "（箭头：要先有）。",
                en="Circular proof: " + " → ".join(name.en or name.zh for name in names) + " (each needs the next).",
            ),
            Text(
                zh="从其中一个事项里删去这份材料，或者写明不用它也行的另一种材料。",
                en="Drop the material from one of these items, or accept another in its place.",
            ),
        )


def cycles(content: ItemContent, facts: Facts) -> dict[str, tuple[str, ...]]:
    """For each required material that leads back to the item itself: the way, as "item:CODE" and "licence:CODE"."""
    demands = {**facts.demands, content.code: demands_of(content)}
    given = {result.licence_type for result in content.results if result.licence_type}
    givers = {code: items - {content.code} for code, items in facts.givers.items()}
    for code in given:
        givers[code] = givers.get(code, frozenset()) | {content.code}
    out_of_reach = _out_of_reach(demands, givers)
    if content.code not in out_of_reach:
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for material in content.materials:
        for need in needs_of(material.result_of, material.licence_type) if material.required else ():
            if way := _way_back(content.code, need, demands, givers, out_of_reach):
                found[material.id] = way
    return found


def _out_of_reach(demands: Demands, givers: Demands) -> set[str]:
    """Codes of the items that cannot be had: what is left once all that can has been found (a least fixpoint)."""
    wanted_by: dict[str, list[str]] = {}
    missing: dict[str, int] = {}
    gives: dict[str, list[str]] = {}
    for licence, items in givers.items():
        for item in items:
            gives.setdefault(item, []).append(f"licence:{licence}")
    elsewhere: set[str] = set()
    for item, needs in demands.items():
        needed = [need for need in needs if item not in givers.get(need.removeprefix("licence:"), ())]
        missing[item] = len(needed)
        for need in needed:
            wanted_by.setdefault(need, []).append(item)
            kind, _, code = need.partition(":")
            if (kind == "item" and code not in demands) or (kind == "licence" and not givers.get(code)):
                elsewhere.add(need)
    # A giver of which no demand is known asks for nothing.
    free = {item for items in givers.values() for item in items if item not in demands}
    reached: set[str] = set()
    ready = deque(elsewhere)
    ready += [f"item:{item}" for item in free | {item for item, left in missing.items() if left == 0}]
    while ready:
        node = ready.popleft()
        if node in reached:
            continue
        reached.add(node)
        ready.extend(gives.get(node.removeprefix("item:"), ()) if node.startswith("item:") else ())
        for item in wanted_by.get(node, ()):
            missing[item] -= 1
            if missing[item] == 0:
                ready.append(f"item:{item}")
    return {item for item in demands if f"item:{item}" not in reached}


def _way_back(start: str, first: str, demands: Demands, givers: Demands, within: set[str]) -> tuple[str, ...]:
    """The shortest way from `start` over the need `first` back to `start`, through items that cannot be had."""
    goal = f"item:{start}"
    came_from: dict[str, str] = {}
    ready = deque([first])
    seen = {first}
    while ready:
        node = ready.popleft()
        kind, _, code = node.partition(":")
        if node == goal:
            way = [node]
            while way[-1] != first:
                way.append(came_from[way[-1]])
            return (goal, *reversed(way))
        if kind == "licence":
            following = frozenset(f"item:{item}" for item in givers.get(code, ()) if item in within)
        else:
            own = {need for need in demands.get(code, ()) if code in givers.get(need.removeprefix("licence:"), ())}
            following = demands.get(code, frozenset()) - own if code in within else frozenset()
        for after in sorted(following):
            if after not in seen:
                seen.add(after)
                came_from[after] = node
                ready.append(after)
    return ()


def _name(node: str, content: ItemContent, facts: Facts) -> Text:
    kind, _, code = node.partition(":")
    if code == content.code:
        return content.name
    if kind == "licence" and code in facts.licence_types:
        return facts.licence_types[code].name
    return facts.names.get(code) or Text(zh=code, en=code)
