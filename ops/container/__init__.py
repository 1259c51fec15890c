"""What a container begins with: `python -m ops.container ingress`, or another process's name."""
