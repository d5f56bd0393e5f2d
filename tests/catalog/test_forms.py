"""Forms: JSON Schema 2020-12 that validates, pages that hold every field once, both languages; and what is refused."""

import re
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from services.cases.domain.forms import Form
from services.catalog.demo import DEMO_ITEMS
from services.catalog.domain import codes
from services.catalog.domain.form import Schema, choice, form, form_problems, page, standard_form, text
from services.catalog.domain.form.pattern import pattern_problem
from services.catalog.domain.form.schema import DEEPEST_REFERENCE

FORMS = {content.name.en: content.form for content in DEMO_ITEMS} | {
    "standard, both": standard_form(("person", "company")),
    "standard, person": standard_form(("person",)),
    "standard, company": standard_form(("company",)),
}
WIDGETS = {"text", "textarea", "date", "radio", "select", "tel"}


@pytest.mark.parametrize("schema", FORMS.values(), ids=FORMS.keys())
def test_a_form_is_whole(schema: Schema) -> None:
    Draft202012Validator.check_schema(schema)
    assert form_problems(schema) == []
    pages = schema["x-pages"]
    assert [name for each in pages for name in each["fields"]] == list(schema["properties"])
    assert all(each["title"]["zh"] and each["title"]["en"] for each in pages)
    for name, field in schema["properties"].items():
        assert field["title"], name
        assert field["x-title-en"], name
        assert field["x-widget"] in WIDGETS, name
        assert ("description" in field) == ("x-hint-en" in field), name
        if "enum" in field:
            assert list(field["x-enum-titles"]) == field["enum"], name
            assert all(label["zh"] and label["en"] for label in field["x-enum-titles"].values()), name
    assert not any(
        "id_number" in name or "身份证号码" in field["title"] for name, field in schema["properties"].items()
    )


PERSON = {"applicant_kind": "person", "name": "林晓梅", "phone": "13800000000", "statement": "补办"}
COMPANY = PERSON | {"applicant_kind": "company", "company_name": "示例公司", "uscc": "91350100M000100Y43"}


@pytest.mark.parametrize(
    ("answers", "wrong"),
    [
        (PERSON, set()),
        (COMPANY, set()),
        (COMPANY | {"uscc": "91350100m000100y43"}, set()),
        (PERSON | {"applicant_kind": "company"}, {"required"}),
        (COMPANY | {"uscc": "123"}, {"pattern"}),
        (PERSON | {"phone": "12345"}, {"pattern"}),
        (PERSON | {"phone": "0826-2222222"}, set()),
        (PERSON | {"name": ""}, {"minLength"}),
        (PERSON | {"applicant_kind": "dog"}, {"enum"}),
        (PERSON | {"id_number": "1"}, {"additionalProperties"}),
    ],
)
def test_the_standard_form(answers: dict[str, str], wrong: set[str]) -> None:
    validator = Draft202012Validator(standard_form(("person", "company")))
    assert {str(error.validator) for error in validator.iter_errors(answers)} == wrong


def test_who_is_asked_what() -> None:
    pages = {
        subjects: [each["id"] for each in standard_form(subjects)["x-pages"]]  # type: ignore[arg-type]
        for subjects in [("person",), ("company",), ("person", "company")]
    }
    assert pages[("person",)] == ["applicant", "statement"]
    assert pages[("company",)] == ["applicant", "company", "statement"]
    assert pages[("person", "company")] == ["kind", "applicant", "company", "statement"]


def test_a_form_that_contradicts_itself_is_refused() -> None:
    one = page("one", "一", "One", {"name": text("名", "Name")})
    with pytest.raises(ValueError, match="repeats"):
        form([one, page("two", "二", "Two", {"name": text("名", "Name")})])
    with pytest.raises(ValueError, match="repeats"):
        form([one, page("one", "二", "Two", {"other": choice("选", "Choose", {"a": ("甲", "A")})})])
    with pytest.raises(ValueError, match="nothere"):
        form([one], optional=["nothere"])


@pytest.mark.parametrize("content", DEMO_ITEMS, ids=lambda content: content.name.en)
def test_demo_items_are_good_examples(content: codes.ItemCode) -> None:
    item = next(each for each in DEMO_ITEMS if each.code == content.code)
    found = codes.parse_item_code(item.code)
    assert found is not None
    assert (found.system, found.organisation) == ("gb-31", item.organisation.id)
    assert item.code[21:23] == item.item_type
    assert item.name.en
    assert item.summary
    assert item.summary.en
    assert len(item.steps) == 5
    assert item.conditions
    assert item.basis
    assert item.contact
    assert 2 <= len(item.form["x-pages"]) <= 6
    if item.limits.promised and item.limits.statutory and item.limits.statutory.unit == item.limits.promised.unit:
        assert item.limits.promised.amount <= item.limits.statutory.amount


def test_one_licence_has_no_published_limit() -> None:
    assert [
        each.name.zh for each in DEMO_ITEMS if each.item_type == codes.LICENCE and each.limits == type(each.limits)()
    ]


def minimal(**members: Any) -> Schema:
    return {"type": "object", "properties": {"name": {"type": "string", "title": "名"}}} | members


def field(**members: Any) -> Schema:
    return minimal(properties={"name": {"type": "string", "title": "名"} | members})


def chain(length: int) -> Schema:
    """`$defs` each of which names the next."""
    defs: Schema = {f"d{number}": {"$ref": f"#/$defs/d{number + 1}"} for number in range(length)}
    return minimal(**{"$defs": defs | {f"d{length}": {}}})


def pages(*listed: Any, **members: Any) -> Schema:
    properties = {name: {"type": "string", "title": name} for name in ("a", "b")}
    properties["a"]["enum"] = ["yes", "no"]  # type: ignore[assignment]
    return minimal(properties=properties, **{"x-pages": list(listed)}, **members)


TITLE = {"zh": "页", "en": "Page"}
FIRST = {"id": "one", "title": TITLE, "fields": ["a"]}
SECOND = {"id": "two", "title": TITLE, "fields": ["b"], "when": {"field": "a", "const": "yes"}}
DEEP: Any = {}
for _ in range(10_000):
    DEEP = {"not": DEEP}
LAUGHS = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 10} for n in range(7)} | {"d7": {}}

GOOD: dict[str, Schema] = {
    "minimal": minimal(),
    "dialect": minimal(**{"$schema": "https://json-schema.org/draft/2020-12/schema"}),
    "reference": minimal(**{"$defs": {"d": {"maxLength": 5}}})
    | {"allOf": [{"properties": {"name": {"$ref": "#/$defs/d"}}}]},
    "references as deep as may be": chain(DEEPEST_REFERENCE - 1),
    "pages": pages(FIRST, SECOND),
    "several options": field(type="array", items={"enum": ["a"], "x-enum-titles": {"a": TITLE}}),
    "a field called id": minimal(properties={"id": {"type": "string", "title": "编号"}}),
    "data that look like keywords": field(default="$ref", examples=[{"$id": "http://x"}]),
    "a hint that names it": field(description="不用写身份证号。"),
}

BAD: dict[str, tuple[object, str, str]] = {
    "no object": ([], "form", "type"),
    "text": ("{}", "form", "type"),
    "10,000 deep": (minimal(**{"not": DEEP}), "form", "too_deep"),
    "large": (minimal(**{"$comment": "x" * 300_000}), "form", "too_large"),
    "no JSON": (minimal(default=object()), "form", "format"),
    "a surrogate": (field(title="\ud800"), "form", "format"),
    "NUL": (field(title="a\0"), "form", "format"),
    "outside": (field(**{"$ref": "https://example.org/schema.json"}), "form", "reference"),
    "a file": (field(**{"$ref": "file:///etc/passwd"}), "form", "reference"),
    "relative": (field(**{"$ref": "other.json#/$defs/a"}), "form", "reference"),
    "the metaschema": (field(**{"$ref": "https://json-schema.org/draft/2020-12/schema"}), "form", "reference"),
    "the root": (field(**{"$ref": "#"}), "form", "reference"),
    "dynamic, outside": (field(**{"$dynamicRef": "https://example.org/#meta"}), "form", "reference"),
    "nowhere": (field(**{"$ref": "#/$defs/none"}), "form", "reference"),
    "no text": (field(**{"$ref": 1}), "form", "reference"),
    "itself": (minimal(**{"$defs": {"d": {"$ref": "#/$defs/d"}}}), "form", "circle"),
    "a circle": (
        minimal(**{"$defs": {"a": {"not": {"$ref": "#/$defs/b"}}, "b": {"items": {"$ref": "#/$defs/a"}}}}),
        "form",
        "circle",
    ),
    "2^n references": (minimal(**{"$defs": LAUGHS}, allOf=[{"$ref": "#/$defs/d0"}]), "form", "too_large"),
    "a long chain": (chain(50), "form", "too_deep"),
    "$id": (minimal(**{"$id": "https://example.org/"}), "form", "anchor"),
    "$id inside": (minimal(**{"$defs": {"d": {"$id": "x"}}}), "form", "anchor"),
    "$anchor": (field(**{"$anchor": "a"}), "form.name", "anchor"),
    "$dynamicAnchor": (minimal(**{"$dynamicAnchor": "meta"}), "form", "anchor"),
    "vocabulary": (minimal(**{"$vocabulary": {"https://example.org/v": True}}), "form", "anchor"),
    "an older dialect": (minimal(**{"$schema": "http://json-schema.org/draft-07/schema#"}), "form", "dialect"),
    "dialect inside": (field(**{"$schema": "https://json-schema.org/draft/2020-12/schema"}), "form.name", "dialect"),
    "definitions": (minimal(definitions={}), "form", "unknown_keyword"),
    "a misspelt keyword": (field(maxlength=3), "form.name", "unknown_keyword"),
    "an unknown hint": (field(**{"x-colour": "red"}), "form.name", "unknown_keyword"),
    "no schema": (field(maxLength=-1), "form.name", "schema"),
    "a type that is none": (field(type="strin"), "form.name", "schema"),
    "required that is no list": (minimal(required="name"), "form", "schema"),
    "catastrophic": (field(pattern="^(a+)+$"), "form.name", "pattern"),
    "no pattern": (field(pattern="("), "form.name", "pattern"),
    "catastrophic, inside": (minimal(**{"not": {"patternProperties": {"^(a|a)*$": {}}}}), "form", "pattern"),
    "an unknown format": (field(format="regex"), "form.name", "format"),
    "a format that is a list": (field(format=[]), "form.name", "format"),
    "an array": ({"type": "array"}, "form", "type"),
    "no fields": (minimal(properties={}), "form", "type"),
    "many fields": (
        minimal(properties={f"f{n}": {"type": "string", "title": "名"} for n in range(201)}),
        "form",
        "too_many",
    ),
    "required, none": (minimal(required=["other"]), "form", "required"),
    "name": (minimal(properties={"a.b": {"type": "string", "title": "名"}}), "form.a.b", "name"),
    "true": (minimal(properties={"a": True}), "form.a", "type"),
    "no title": (minimal(properties={"a": {"type": "string"}}), "form.a", "title"),
    "markup": (field(title="<b>名</b>"), "form.name", "text"),
    "override": (field(description="a\u202eb"), "form.name", "text"),
    "identity number by title": (field(title="您的身份证号码"), "form.name", "identity_number"),
    "identity number in English": (field(**{"x-title-en": "Your ID card number"}), "form.name", "identity_number"),
    "identity number by element": (field(**{"x-element": "id_number"}), "form.name", "identity_number"),
    "identity number by name": (
        minimal(properties={"elder_id_number": {"type": "string", "title": "号"}}),
        "form.elder_id_number",
        "identity_number",
    ),
    "an object": (field(type="object"), "form.name", "type"),
    "types": (field(type=["string", "null"]), "form.name", "type"),
    "unknown widget": (field(**{"x-widget": "file"}), "form.name", "widget"),
    "widget that is a list": (field(**{"x-widget": []}), "form.name", "widget"),
    "radio without options": (field(**{"x-widget": "radio"}), "form.name", "widget"),
    "date without format": (field(**{"x-widget": "date"}), "form.name", "widget"),
    "free list": (field(type="array"), "form.name", "choice"),
    "options that are numbers": (field(enum=[1]), "form.name", "choice"),
    "options twice": (field(enum=["a", "a"]), "form.name", "choice"),
    "titles of other options": (field(enum=["a"], **{"x-enum-titles": {"b": TITLE}}), "form.name", "choice"),
    "autofill": (field(**{"x-autocomplete": 'name" onfocus="'}), "form.name", "autocomplete"),
    "element": (field(**{"x-element": "Birth-Date"}), "form.name", "element"),
    "pages, no list": (minimal(**{"x-pages": {}}), "form.x-pages", "pages"),
    "a page that is none": (pages("one"), "form.x-pages.0", "pages"),
    "pages of one id": (pages(FIRST, FIRST), "form.x-pages.1", "pages"),
    "a page without title": (pages(FIRST | {"title": "页"}), "form.x-pages.0", "pages"),
    "fields, no list": (pages(FIRST | {"fields": "a"}), "form.x-pages.0", "pages"),
    "an unknown field": (pages(FIRST | {"fields": ["a", "c"]}, SECOND), "form.x-pages.0", "pages"),
    "a field twice": (pages(FIRST, SECOND | {"fields": ["a", "b"]}), "form.x-pages.1", "pages"),
    "a field on no page": (pages(FIRST), "form.b", "pages"),
    "when, later": (pages(SECOND, FIRST), "form.x-pages.0", "pages"),
    "when, another answer": (
        pages(FIRST, SECOND | {"when": {"field": "a", "const": "maybe"}}),
        "form.x-pages.1",
        "pages",
    ),
    "when, no object": (pages(FIRST, SECOND | {"when": "a"}), "form.x-pages.1", "pages"),
    "required on a page that may not come": (pages(FIRST, SECOND, required=["a", "b"]), "form.b", "required"),
}


@pytest.mark.parametrize("schema", GOOD.values(), ids=GOOD.keys())
def test_what_cases_and_pages_can_use_is_taken(schema: Schema) -> None:
    assert form_problems(schema) == []
    Form(schema)


@pytest.mark.parametrize("name", BAD)
def test_what_is_refused_of_forms(name: str) -> None:
    schema, where, reason = BAD[name]
    begun = time.monotonic()
    problems = form_problems(schema)
    assert (where, reason) in {(each.field, each.reason) for each in problems}, problems
    assert all(each.cause.zh and each.cause.en for each in problems)
    assert time.monotonic() - begun < 1


def test_a_circle_is_printed() -> None:
    (found,) = form_problems(BAD["a circle"][0])
    assert "a → b → a" in found.cause.zh


def test_patterns_that_could_take_long_are_refused(subtests: pytest.Subtests) -> None:
    good = [
        r"^[0-9]{6}$",
        r"^[A-Z]*$",
        r"[0-9]{4}",
        r"^(1[3-9][0-9]{9}|0[0-9]{2,3}-?[0-9]{7,8})$",
        "^.{1,100}@.{1,100}$",
        "",
    ]
    for pattern in good:
        with subtests.test(pattern):
            assert pattern_problem(pattern) is None
            worst = max(self_time(pattern, letter * 20_000 + "!") for letter in "a0")
            assert worst < 0.5
    bad = [
        *("(a+)+$", "^(a*)*$", "^(a|a)*$", "^(a|ab)*c$", "^a*a*a*b$", ".*=.*", "[a-z]+@", "^(a{1,100}){1,100}$"),
        *(
            "^((a{1000}){1000}){1000}$",
            "^(a)\\1$",
            "^(?=a)a$",
            "^(?<!a)b$",
            "^(?>a+)$",
            "^a++$",
            "(" * 50 + ")" * 50,
            "^(a?){50}$",
        ),
        *("a" * 201, "[", "a{2,1}", "(?P<n>a)(?(n)b|c)", "^(){1000}$" * 15),
    ]
    for pattern in bad:
        with subtests.test(pattern[:40]):
            assert pattern_problem(pattern)


def self_time(pattern: str, text: str) -> float:
    begun = time.process_time()
    re.search(pattern, text)
    return time.process_time() - begun


_WORDS = st.sampled_from(
    [
        *(
            "type",
            "properties",
            "required",
            "enum",
            "items",
            "$ref",
            "$defs",
            "pattern",
            "format",
            "x-pages",
            "x-widget",
            "when",
        ),
        *("title", "fields", "id", "not", "allOf", "x-enum-titles", "if", "$schema", "a"),
    ]
)
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.sampled_from(["", "a", "string", "object", "#/$defs/a", "date", "^a", "radio"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(_JSON, st.dictionaries(_WORDS, _JSON, max_size=3))
def test_no_json_makes_it_raise_and_cases_take_what_passes(value: Any, members: dict[str, Any]) -> None:
    for schema in (value, minimal(**members), field(**members)):
        if not form_problems(schema):
            Form(schema)
