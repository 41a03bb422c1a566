"""The benchmarks: every goal is a ratio to a floor measured in the same run. `python -m bench`."""
