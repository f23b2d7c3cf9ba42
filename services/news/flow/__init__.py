"""What news does, in order: look back, ask the sources, remember, read on the ladder, assess."""
