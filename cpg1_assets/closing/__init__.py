"""Closing months: one, several, what became of them. What the command line and others call; it prints nothing."""
