"""The page beside the Dagster UI: reports and evidence of the months, to be looked at and never changed.

What may be looked at is decided in `shelf`, how it is answered in `page`. Nothing of Dagster is known here.
"""
