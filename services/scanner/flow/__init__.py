"""The universe once a day, a scan when asked, an operator's request handed to workflow, and views of the past."""
