"""Dagster assets over the rules, the JDash files and the evidence: thin, no rule of their own."""
