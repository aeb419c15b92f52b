"""The application. Nothing in this package knows hermetic."""
