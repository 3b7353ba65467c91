"""`python -m cpg1_assets` is `cpg1`."""

from cpg1_assets.cli import main

main()
