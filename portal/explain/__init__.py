"""Opens any figure of a broker down to the fills that it is made of."""
