"""Its source is not wanted."""
