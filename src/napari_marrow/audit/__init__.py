"""What is odd about a collection: masks among the photographs, copies, confounding."""
