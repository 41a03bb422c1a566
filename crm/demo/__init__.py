"""The demo restaurant, a hot-pot brand that lives through eighteen months; and the load for benchmarks.

`words` and `seasons` are what there is to draw from; `guests` and `habits` invent who comes and when (pure,
by seed); `filling` writes it down set by set; `desk` and `followup` are what the staff did, `voices` what the
guests said; `restaurant` walks all of it through time. `bench` stands alone.
"""
