"""Ask a real Prometheus, which has scraped a real run, everything that dashboards and rules ask."""
