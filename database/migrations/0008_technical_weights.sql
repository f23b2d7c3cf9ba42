-- What each component of a technical score weighed, beside what it was: parts times weights are the score.
ALTER TABLE technical_indicators ADD COLUMN weights jsonb NOT NULL DEFAULT '{}';
