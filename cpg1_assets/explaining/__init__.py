"""What a variance is made of, as `cpg1 explain` tells it: read from storage, never computed anew.

`variances` takes each line asked for apart into its open items, `one_item` gives an item with every row of it, and
`sheet` is the file that a controller fills in. Nothing here knows Dagster, and nothing is written.
"""
