"""What only a real Kafka can answer."""
