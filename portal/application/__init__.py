"""A business applies: its draft, its documents, its course through review."""
