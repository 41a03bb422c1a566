"""Property tests here judge answers, not speed: other runs may share the machine."""

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
