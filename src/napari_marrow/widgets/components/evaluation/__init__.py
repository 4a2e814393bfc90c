"""What the widget Evaluate shows of a result, and how a mistake is shown in the viewer."""
