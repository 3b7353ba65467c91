"""What must be true of the sample books."""
