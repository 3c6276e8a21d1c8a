"""For machines: what the exchange's systems ask, behind tokens of their own; one shape for every error."""
