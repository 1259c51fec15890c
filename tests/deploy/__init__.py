"""What needs tools from outside PyPI: `make deploy` runs these tests, `make test` does not."""
