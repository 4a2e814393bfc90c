"""What a model takes of photographs: tiles and crops, or measured features."""
