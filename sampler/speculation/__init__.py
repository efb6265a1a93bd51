"""Speculation: several tokens for one run of the model, from the law of one at a time."""
