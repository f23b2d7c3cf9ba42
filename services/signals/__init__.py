"""In: nothing yet: no decision is published to subscribers.
Out: health, metrics, and the plain statement of what is missing.
Owns: subscribers, api_keys, signals, deliveries, feedback.
"""
