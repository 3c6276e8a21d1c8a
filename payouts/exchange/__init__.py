"""What the engine asks of the exchange."""
