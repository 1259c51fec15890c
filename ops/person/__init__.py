"""One person → what is kept about them; one request → erased before its time."""
