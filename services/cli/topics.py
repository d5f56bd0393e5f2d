"""topics list, topics apply."""

from typing import Annotated

import typer

from services.cli import registry
from services.cli.support import run_async, table
from services.contracts.topics import all_topics
from services.kit.broker import apply_topics

app = typer.Typer(name="topics", help="Kafka's topics, as the contracts declare them.", no_args_is_help=True)


@app.command("list")
def list_() -> None:
    """Every topic: its owner, partitions, clean-up and readers."""
    rows = [
        (
            topic.topic,
            topic.owner,
            topic.partitions,
            topic.cleanup if not topic.retention_days else f"{topic.cleanup} after {topic.retention_days} days",
            topic.key,
            ", ".join(topic.consumers),
            topic.dead_letter_topic,
        )
        for topic in all_topics().values()
    ]
    print(table(("topic", "owner", "partitions", "clean-up", "key", "read by", "dead letters"), rows))


@app.command()
def apply(
    replication: Annotated[int, typer.Option(min=1, help="copies of each partition; production: 3")] = 1,
) -> None:
    """Create the topics that are missing and check all others; exit status 1 on a difference."""
    settings = registry.narrowed("cases", "kafka")
    created = run_async(apply_topics(settings, replication))
    for name in created:
        print(f"created {name}")
    print(f"{len(all_topics())} topics and their dead-letter topics are as the contracts say")
