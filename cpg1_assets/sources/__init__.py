"""Where rows come from: the sample books, SQL Server, and the dialect seam between them."""
