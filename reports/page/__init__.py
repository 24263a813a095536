"""The page of a run: HTML in which everything that was said is text, whatever it looks like."""
