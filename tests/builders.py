"""Facts for tests, complete and valid unless a test says otherwise. Each service adds the ones it needs."""
