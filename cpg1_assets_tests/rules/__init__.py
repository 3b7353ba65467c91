"""What must be true of the rules: vectors from the specification's tables, and properties."""
