"""The page beside the UI."""
