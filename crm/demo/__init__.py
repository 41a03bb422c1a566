"""The demo restaurant: a hot-pot brand with two stores that lives through eighteen months, and the load for benchmarks.

`words` and `seasons` are what there is to draw from, `guests` and `habits` invent who comes and when (pure, by seed),
`filling` writes them down set by set, `followup` is what the staff did, `restaurant` walks it all through time.
"""
