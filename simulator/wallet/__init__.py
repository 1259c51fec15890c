"""The wallet gateway and the issuers of what is presented, with their tokens and credentials."""
