"""Its source is wanted."""
