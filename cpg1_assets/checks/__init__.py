"""Asset checks of the derived assets and across extracts, partitioned like their assets.

The checks of one extract against its own contract are made with the extract (`extracts.factory`), since
they need the server's answers of the same session. A check that crashes is an error, never a failure.
"""
