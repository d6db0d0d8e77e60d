"""What a sentence claims about an item, read from its text alone."""
