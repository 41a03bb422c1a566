"""The desk's pages of guests, visits and files."""
