-- What a pattern analysis rests on: how many bars of which charts, and what was left out.

-- owner: pattern
ALTER TABLE pattern_analysis ADD COLUMN rests_on text NOT NULL DEFAULT '';
