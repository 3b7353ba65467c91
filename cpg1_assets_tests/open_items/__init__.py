"""What must be true of the open items: held against the truth of the sample books."""
