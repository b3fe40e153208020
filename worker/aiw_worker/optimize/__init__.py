"""What `aiw init --optimize` asks Python for: other shapes and precisions of a model, and trials of them."""
