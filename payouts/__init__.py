"""The engine: who is in the program, what they traded, what they are owed. It never sees a request."""
