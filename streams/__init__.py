"""Status events in a database, and served over HTTP: streams, and the status of a transaction."""
