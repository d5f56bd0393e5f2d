"""The platform on one machine without root: Kafka, secrets, ports, run file, backup. For `tongban run` and tests."""
