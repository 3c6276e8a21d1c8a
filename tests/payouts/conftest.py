"""Property tests run as many examples as a developer waits for; machines may be slow."""

from hypothesis import settings

settings.register_profile("house", deadline=None, database=None)
settings.load_profile("house")
