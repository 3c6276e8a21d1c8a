"""How much came in, when, and how far up the ladder it reaches."""
