"""One transaction → every record that concerns it, told in the order of time."""
