"""What a broker sees of its standing: why, since when, what happens to the money, and how to appeal."""
