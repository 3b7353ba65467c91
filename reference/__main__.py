"""Write the tables that are made from the code into the pages: `python -m reference`."""

from reference.blocks import DOCS, stale
from reference.tables import TABLES

for path, text in stale(TABLES).items():
    path.write_text(text, encoding="utf-8")
    print(f"Made anew: {path.relative_to(DOCS.parent)}")
