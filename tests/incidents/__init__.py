"""One named test for each thing that broke systems like this one. Each was seen to fail without its guard."""
