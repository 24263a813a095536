"""Pictures: shapes, how they are laid out, and how they become SVG or a matplotlib figure."""
