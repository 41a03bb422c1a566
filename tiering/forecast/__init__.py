"""What the days to come hold for one guest: the days on which a fact can change, the fall, and the way up.

Pure. The facts of future days come from the night's own query; here is only which days need asking, what one more
visit would add, and how a protection delays a fall. Prose: docs/rules/forecast.md.
"""

from tiering.forecast.falling import Fall, Held, fall
from tiering.forecast.rising import Change, Rise, rise
from tiering.forecast.turning import horizon, is_foreseeable, only_falls, probe_days, turning_days

__all__ = [
    "Change", "Fall", "Held", "Rise", "fall", "horizon", "is_foreseeable", "only_falls", "probe_days", "rise",
    "turning_days",
]  # fmt: skip
