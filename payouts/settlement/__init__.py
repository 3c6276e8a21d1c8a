"""Credits: money sent to brokers' accounts at the exchange, each exactly once."""
