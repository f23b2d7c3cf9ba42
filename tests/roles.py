"""The services' role belongs to the whole server: whoever migrates a test database gives it the same password."""

APP_PASSWORD = "tests"
