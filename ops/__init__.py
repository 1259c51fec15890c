"""What a person runs: the command line, and what its commands do."""
