"""The topic files, their examples and the promise that no event changes under its readers."""

import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from services.contracts.base import EVENT_TYPES, Envelope, Example, Undecodable, UnknownType, decode
from services.contracts.topics import all_topics
from tests.contracts.compatibility import breaking_changes
from tests.contracts.snapshots import FOLDER, current

TOPICS = all_topics()
EXAMPLES = [(topic.topic, example) for topic in TOPICS.values() for example in topic.examples]


def _envelope(example: Example) -> Envelope:
    data = EVENT_TYPES[example.type].model_validate(example.data)
    return Envelope("1", "urn:tongban:x", example.subject, 3, datetime(2026, 11, 9, tzinfo=UTC), data, "")


@pytest.mark.parametrize(("topic", "example"), EXAMPLES, ids=lambda v: getattr(v, "type", v))
def test_every_example_goes_through_its_model_and_over_the_wire(topic: str, example: Example) -> None:
    envelope = _envelope(example)
    assert envelope.topic == topic
    assert decode(envelope.headers(), envelope.value(), example.subject.encode()) == envelope


def test_every_event_type_has_an_example_and_every_topic_its_file() -> None:
    assert {example.type for _, example in EXAMPLES} == set(EVENT_TYPES)
    assert {model.topic for model in EVENT_TYPES.values()} == set(TOPICS)


def test_names_tell_topic_and_version() -> None:
    for name, model in EVENT_TYPES.items():
        owner = TOPICS[model.topic].owner
        assert name.startswith(f"cn.tongban.{owner}.") and name.rsplit(".", 1)[1].startswith("v")


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_no_breaking_change_against_the_snapshot(name: str) -> None:
    path = FOLDER / f"{name}.json"
    assert path.is_file(), f"{name} has no snapshot: run `python -m tests.contracts.snapshots`"
    assert breaking_changes(json.loads(path.read_text("utf-8")), json.loads(current()[name])) == []


def test_no_event_type_disappears() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} <= set(EVENT_TYPES)


def _changed(change: Any) -> list[str]:
    old = json.loads(current()["cn.tongban.cases.accepted.v1"])
    new = copy.deepcopy(old)
    change(new)
    return breaking_changes(old, new)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda s: s["properties"].pop("officer"), "officer: removed"),
        (lambda s: s["properties"]["number"].update(type="integer"), "number: type"),
        (lambda s: s["required"].remove("officer"), "officer: no longer required"),
        (lambda s: s["$defs"]["CaseItem"]["properties"].pop("code"), "item.code: removed"),
        (lambda s: s["properties"]["status"]["enum"].append("lost"), "enum changed"),
        (lambda s: s["properties"].update(x={"type": "string"}) or s["required"].append("x"), "x: newly required"),
    ],
)
def test_the_comparison_sees_a_breaking_change(change: Any, word: str) -> None:
    assert any(word in found for found in _changed(change))


def test_the_comparison_lets_an_optional_field_in() -> None:
    assert _changed(lambda s: s["properties"].update(x={"type": "string"})) == []


def test_a_reader_ignores_fields_that_it_does_not_know() -> None:
    example = EXAMPLES[0][1]
    envelope = _envelope(example)
    value = json.dumps(example.data | {"new": 1}).encode()
    assert decode(envelope.headers(), value, None).data == envelope.data


def test_bytes_that_are_no_event_are_told_from_events_unknown_here() -> None:
    headers = dict(_envelope(EXAMPLES[0][1]).headers())
    with pytest.raises(UnknownType):
        decode(list((headers | {"ce_type": b"cn.tongban.other.v9"}).items()), b"{}", None)
    for broken in (
        {"ce_time": b"2026-11-09T10:00:00"},
        {"ce_aggregateversion": b"x"},
        {"ce_id": b""},
        {"ce_type": b"\xff"},
    ):
        with pytest.raises(Undecodable) as caught:
            decode(list((headers | broken).items()), b"{}", None)
        assert not isinstance(caught.value, UnknownType)
    with pytest.raises(Undecodable, match="key"):
        decode(list(headers.items()), b"{}", b"another key")


def test_a_cause_never_quotes_what_was_sent() -> None:
    headers = _envelope(EXAMPLES[0][1]).headers()
    with pytest.raises(Undecodable) as caught:
        decode(headers, b'{"account_id": 1, "realm": "51160219900101123X"}', None)
    assert "51160219900101123X" not in str(caught.value)
