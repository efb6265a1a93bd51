"""The bundled demonstration model: weights, tokenizer and the recipe that made them."""
