"""A real Kafka and a real PostgreSQL from Python packages alone, for the demo and the tests."""
