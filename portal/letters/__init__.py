"""The outbox: letters wait as rows until a mail server has taken them."""
