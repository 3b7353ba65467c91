"""Samples for the auditor: rows drawn from a sealed frame, handed out, and taken back filled in."""
