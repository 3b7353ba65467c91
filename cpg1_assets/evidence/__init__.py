"""Evidence packages: what an auditor inspects, with what proves it whole. Knows nothing of Dagster."""
