"""The use cases, one unit of work each: no HTTP, no Kafka, no SQL."""
