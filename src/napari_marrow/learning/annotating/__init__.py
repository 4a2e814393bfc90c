"""While a person annotates: a model that follows each class given, and which cell to ask next."""
