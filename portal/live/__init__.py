"""The live stream of a broker's pages: says when the standing changes, and ends when the seat is lost."""
