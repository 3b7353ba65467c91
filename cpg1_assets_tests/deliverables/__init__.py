"""What people look at says what was sealed, and nothing else."""
