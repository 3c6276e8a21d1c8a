"""What people write at the desk: notes, messages, outcomes. Checked the same way everywhere. Pure."""

from payouts.refusal import Refusal

#: Characters of a note, a message, an outcome; and of a title.
LONGEST_TEXT, LONGEST_TITLE = 4_000, 200


class NotSaid(Refusal):
    """A text that must say something says nothing, too much, or cannot be kept."""


def must_say(text: str, *, what: str, longest: int = LONGEST_TEXT) -> str:
    """The text without space around it. `what` names it in the refusal. Refuses `NotSaid`."""
    said = text.strip()
    if not said:
        raise NotSaid(f"Write {what}: it is empty.")
    if len(said) > longest:
        raise NotSaid(f"Shorten {what}: it has {len(said)} characters, {longest} is the most.")
    if "\0" in said:
        raise NotSaid(f"Write {what} anew: it holds a character that cannot be kept.")
    return said
