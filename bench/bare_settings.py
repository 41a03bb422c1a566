"""The program's own settings, with the rivals behind its addresses."""

from crm.settings import *  # noqa: F403

ROOT_URLCONF = "bench.rivals"
