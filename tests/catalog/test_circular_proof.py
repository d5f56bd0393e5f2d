"""Circular proof (循环证明): cycles of results and materials, told by names, found in any graph."""

from dataclasses import replace
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from services.catalog.domain.lint import RULES, Facts, circular_proof
from services.contracts.base import Text
from services.contracts.catalog_items import Result
from tests.catalog.linted import CODE, KNOWN, LICENCE, PLAIN, material


def circular(
    needs: list[str], demands: dict[str, list[str]], givers: dict[str, list[str]] | None = None, gives: str = ""
) -> dict[str, tuple[str, ...]]:
    """The cycles of an item PLAIN that demands `needs` ("item:…", "licence:…") and gives the licence `gives`."""
    kinds = {"item": "result_of", "licence": "licence_type"}
    materials = []
    for number, need in enumerate(needs):
        kind, _, code = need.partition(":")
        materials.append(material(id=f"m{number}", **{kinds[kind]: code}))
    results = (Result(name=Text(zh="证"), licence_type=gives),) if gives else ()
    content = PLAIN.model_copy(update={"materials": tuple(materials), "results": results})
    facts = Facts(
        demands={code: frozenset(found) for code, found in demands.items()},
        givers={code: frozenset(found) for code, found in (givers or {}).items()},
    )
    return circular_proof.cycles(content, facts)


ME = f"item:{CODE}"


def test_a_cycle_of_results_and_materials() -> None:
    assert circular(["item:A"], {"A": []}) == {}
    assert circular(["item:A"], {"A": [ME]}) == {"m0": (ME, "item:A", ME)}
    assert circular([ME], {}) == {"m0": (ME, ME)}
    assert circular(["item:B", "item:A"], {"A": ["item:C"], "C": [ME], "B": []}) == {"m1": (ME, "item:A", "item:C", ME)}
    # By the licence that I give.
    assert circular(["item:A"], {"A": ["licence:L"]}, {"L": [CODE]}, "L") == {"m0": (ME, "item:A", "licence:L", ME)}
    # Somebody else gives it too, and asks for nothing of mine: there is a way.
    assert circular(["item:A"], {"A": ["licence:L"], "D": []}, {"L": [CODE, "D"]}, "L") == {}
    # Somebody else gives it, and asks for the same: there is none.
    way = circular(["item:A"], {"A": ["licence:L"], "D": ["item:A"]}, {"L": [CODE, "D"]}, "L")
    assert way == {"m0": (ME, "item:A", "licence:L", ME)}
    # A licence that no item gives comes from elsewhere; my own old one is renewed.
    assert circular(["licence:X"], {}) == {}
    assert circular(["licence:L"], {}, {"L": [CODE]}, "L") == {}
    assert circular(["licence:M"], {"A": ["licence:L"]}, {"M": ["A"], "L": [CODE]}, "L") == {
        "m0": (ME, "licence:M", "item:A", "licence:L", ME)
    }
    # Others' cycle is not mine: whoever made it is refused.
    assert circular(["item:A"], {"A": ["item:B"], "B": ["item:A"]}) == {}
    # An optional material demands nothing.
    optional = PLAIN.model_copy(update={"materials": (material(result_of="A", required=False),)})
    assert list(RULES["circular-proof"](optional, Facts(demands={"A": frozenset({ME})}))) == []


def test_the_cycle_is_told_by_names() -> None:
    content = PLAIN.model_copy(
        update={
            "materials": (material(id="m", result_of="A"),),
            "results": (Result(name=Text(zh="证"), licence_type=LICENCE),),
        }
    )
    facts = replace(
        KNOWN,
        demands={"A": frozenset({f"licence:{LICENCE}"})},
        givers={LICENCE: frozenset({CODE})},
        names={"A": Text(zh="落户", en="Registration")},
    )
    [found] = RULES["circular-proof"](content, facts)
    assert found.field == "materials.m"
    assert "犬类准养登记 → 落户 → 居民户口簿 → 犬类准养登记" in found.cause.zh
    assert "Dog registration → Registration → Household register → Dog registration" in (found.cause.en or "")


def test_a_long_cycle_needs_no_recursion() -> None:
    length = 10_000
    chain = {str(number): [f"item:{number + 1}"] for number in range(length)}
    assert circular(["item:0"], {**chain, str(length): []}) == {}
    way = circular(["item:0"], {**chain, str(length): [ME]})
    assert len(way["m0"]) == length + 3


@given(
    st.dictionaries(st.integers(0, 7), st.frozensets(st.integers(0, 7), max_size=3), max_size=8),
    st.frozensets(st.integers(0, 7), min_size=1, max_size=3),
)
@settings(max_examples=60)
def test_a_cycle_is_found_where_one_is(graph: dict[int, frozenset[int]], mine: frozenset[int]) -> None:
    """With items alone, a material is refused exactly when it leads back: item 0 is the one that is linted."""

    def leads_back(first: int) -> bool:
        seen, todo = set(), [first]
        while todo:
            node = todo.pop()
            if node == 0:
                return True
            if node not in seen:
                seen.add(node)
                todo += graph.get(node, ())
        return False

    def name(node: int) -> str:
        return ME if node == 0 else f"item:{node}"

    demands = {str(node): [name(each) for each in found] for node, found in graph.items() if node}
    needs = [name(node) for node in sorted(mine)]
    found = circular(needs, demands)
    assert set(found) == {f"m{number}" for number, node in enumerate(sorted(mine)) if leads_back(node)}
    for way in found.values():
        assert way[0] == way[-1] == ME
        assert all(later in demands.get(earlier.removeprefix("item:"), needs) for earlier, later in pairwise(way))
