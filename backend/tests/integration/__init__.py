"""Tests that go through the application into its database."""
