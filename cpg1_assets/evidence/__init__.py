"""Evidence: packages, the seal and its chain, verification, sign-off, re-performance. Knows nothing of Dagster."""
