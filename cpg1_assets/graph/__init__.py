"""Everything that knows Dagster: assets, checks, IO manager, job, schedule, sensor, instance.

No rule, no query and no proof is decided here: these rooms are called.
"""
