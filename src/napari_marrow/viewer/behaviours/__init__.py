"""What follows the viewer: caption, features table, axes."""
