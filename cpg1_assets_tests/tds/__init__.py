"""Microsoft's own driver over its own protocol: a small TDS server answers with the sample books."""
