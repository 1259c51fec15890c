"""SEND for tests: its requests, its published documents, an installation and its verifiers."""
