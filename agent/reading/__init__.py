"""Reads what a person types by rules over the catalogue: values, numbers, people, titles, negation and acts."""
