"""Forms: JSON Schema 2020-12 that validates, pages that hold every field once, and both languages everywhere."""

import pytest
from jsonschema import Draft202012Validator

from services.catalog.demo import DEMO_ITEMS
from services.catalog.domain import codes
from services.catalog.domain.form import Schema, choice, form, page, standard_form, text

FORMS = {content.name.en: content.form for content in DEMO_ITEMS} | {
    "standard, both": standard_form(("person", "company")),
    "standard, person": standard_form(("person",)),
    "standard, company": standard_form(("company",)),
}
WIDGETS = {"text", "textarea", "date", "radio", "select", "tel"}


@pytest.mark.parametrize("schema", FORMS.values(), ids=FORMS.keys())
def test_a_form_is_whole(schema: Schema) -> None:
    Draft202012Validator.check_schema(schema)
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
