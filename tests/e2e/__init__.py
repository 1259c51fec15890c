"""Whole installations over a real Kafka: what a provider sends, and what comes out at the end."""
