"""The pages of the long relation."""
