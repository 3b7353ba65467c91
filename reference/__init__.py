"""The tables of the docs that are made from the code: contracts, frames, rule files, source schema, commands.

`python -m reference` writes them into the pages, and `make docs` does so before it builds the site. Prose is
written in the pages by hand; nothing here is part of the product.
"""
