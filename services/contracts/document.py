"""What is written about the topics, made from their files: an AsyncAPI 3.0 document, a page, the README's diagram."""

import json
from typing import Any

from services.contracts.topics import Topic, all_topics

SERVICES = ("identity", "catalog", "cases", "notify", "gateway")


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3.0 document of every topic (https://www.asyncapi.com/docs/reference/specification/v3.0.0)."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    for topic in all_topics().values():
        channel = topic.topic.replace(".", "-")
        here = {}
        for model in topic.events:
            name = model.event_type
            messages[name] = {
                "name": name,
                "title": model.__name__,
                "summary": (model.__doc__ or "").split("\n")[0],
                "contentType": "application/json",
                "headers": {"type": "object", "properties": {"ce_type": {"const": name}}},
                "payload": model.model_json_schema(
                    ref_template=f"#/components/messages/{name}/payload/$defs/{{model}}"
                ),
                "examples": [
                    {"name": f"{example.type} of {example.subject}", "payload": example.data}
                    for example in topic.examples
                    if example.type == name
                ],
            }
            here[name] = {"$ref": f"#/components/messages/{name}"}
        channels[channel] = {
            "address": topic.topic,
            "description": topic.description,
            "messages": here,
            "bindings": {
                "kafka": {
                    "partitions": topic.partitions,
                    "topicConfiguration": {
                        "cleanup.policy": [topic.cleanup],
                        **({"retention.ms": topic.retention_days * 86_400_000} if topic.retention_days else {}),
                    },
                }
            },
        }
        for service, action in [(topic.owner, "send"), *((c, "receive") for c in topic.consumers)]:
            operations[f"{service}-{action}s-{channel}"] = {
                "action": action,
                "channel": {"$ref": f"#/channels/{channel}"},
                "summary": f"{service} {'publishes' if action == 'send' else 'hears'} {topic.topic}",
            }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Tongban events",
            "version": str(max(topic.version for topic in all_topics().values())),
            "description": "CloudEvents 1.0 in Kafka's binary binding; the key is the event's subject.",
            "license": {"name": "Apache-2.0"},
        },
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages},
    }


def diagram() -> str:
    """A Mermaid flow chart: who publishes what and who hears it."""
    lines = ["flowchart LR"]
    lines += [f"  {service}[{service}]" for service in SERVICES]
    for topic in all_topics().values():
        name = topic.topic.replace(".", "_")
        lines += [f"  {name}([{topic.topic}])", f"  {topic.owner} --> {name}"]
        lines += [f"  {name} --> {consumer}" for consumer in topic.consumers]
    lines += ["  cases_events -. webhooks .-> department[(a department's system)]"]
    return "\n".join(lines)


def page() -> str:
    """`docs/events.md`: every topic and event with its fields and an example."""
    parts = [
        "# Events",
        "<!-- Generated from services/contracts/topics by `make docs`; edit those files instead. -->",
        "CloudEvents 1.0 in Kafka's binary binding (`ce_*` headers), the key is the event's subject, payloads are "
        "JSON. `aggregateversion` rises by one with each event of a subject. "
        "The AsyncAPI document is at `/api/asyncapi.json`.",
        f"```mermaid\n{diagram()}\n```",
    ]
    parts += [_topic(topic) for topic in all_topics().values()]
    return "\n\n".join(parts) + "\n"


def _topic(topic: Topic) -> str:
    kept = f"{topic.retention_days} days" if topic.retention_days else "the latest of each key (compacted)"
    readers = ", ".join(topic.consumers) or "nobody yet"
    head = [
        f"## {topic.topic}",
        topic.description,
        f"Owner `{topic.owner}`; key: {topic.key}; {topic.partitions} partitions; kept: {kept}; "
        f"order: {topic.ordering}; dead letters: `{topic.dead_letter_topic}`; read by: {readers}.",
    ]
    for model in topic.events:
        example = next(e for e in topic.examples if e.type == model.event_type)
        head += [
            f"### `{model.event_type}`",
            " ".join((model.__doc__ or "").split()),
            f"```json\n{json.dumps(example.data, ensure_ascii=False, indent=1)}\n```",
        ]
    return "\n\n".join(head)
