"""What models learn from in the viewer: the ticked photographs, their cells and classes."""
