"""What can be said of an item, each with its evidence."""
