"""Why a model answers as it does: similar cells, features for and against, and where it looks."""
