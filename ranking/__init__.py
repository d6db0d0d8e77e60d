"""convrec."""
