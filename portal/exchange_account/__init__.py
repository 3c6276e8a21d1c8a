"""The account that payouts go to: what it is, and how an owner has it changed."""
