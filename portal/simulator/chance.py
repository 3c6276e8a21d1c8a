"""Where the simulator's chance comes from: named streams that are the same for the same words. Pure."""

import random


def of(seed: int, *words: object) -> random.Random:
    """Chance for one purpose, whatever else has drawn before."""
    return random.Random(" ".join(map(str, (seed, *words))))  # noqa: S311 - it makes fills, not secrets
