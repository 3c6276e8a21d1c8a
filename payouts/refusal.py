"""The way the engine says no: a named reason with one sentence for people."""


class Refusal(Exception):
    """Base of every named refusal. Its text is one sentence that says what to do; doors show it."""
