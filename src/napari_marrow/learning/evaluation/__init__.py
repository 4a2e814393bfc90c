"""A trained model judged on photographs with classes that it does not know."""
