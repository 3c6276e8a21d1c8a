"""The first pages: to one's broker, and how its month is going."""
