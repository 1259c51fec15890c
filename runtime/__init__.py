"""What every process stands on: configuration, keys, Kafka client settings, telemetry, shutdown.

It knows no provider and no payload. `ingress`, `workers` and `ops` import it; it imports
`contracts` only.
"""
