"""Banks that answer requests to pay, in JSON and XML, signed in every way they may be."""
