"""Values by other roads than the library's own."""
