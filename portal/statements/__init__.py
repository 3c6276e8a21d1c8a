"""The months of a broker and their statements to take away."""
