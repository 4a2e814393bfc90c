"""How a model answers for other acquisitions: what is usual in each, the shift test, adaptation."""
