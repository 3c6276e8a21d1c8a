"""A small exchange for development, demo and tests: it makes fills and sends them to the feed."""
