"""What people look at of a closed month: made from a sealed version and the chain, after the seal, and never sealed.

`closed_month` reads what they are made from; a page, a picture or a sheet is made from that and from nothing else, so
that a copied evidence folder gives the same. No Dagster, no settings and no clock here.
"""
