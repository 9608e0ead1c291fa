"""Training data: English conversations and their translations, mixed to a recipe, as shards with a card."""
