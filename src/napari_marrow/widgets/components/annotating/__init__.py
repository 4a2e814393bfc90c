"""The pages of the widget "Annotate cells"."""
