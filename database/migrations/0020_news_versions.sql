-- News is corrected and tagged with further symbols under the same id. `updated_at`: since when an item reads as its row
-- says; NULL for an item as it was first published.

-- owner: news
ALTER TABLE news_items ADD COLUMN updated_at timestamptz;

-- How an item read before: each version from `told_at` on until the next one's. What a scan rested on can be told later.
-- owner: news
CREATE TABLE news_versions (
    source      text NOT NULL,
    source_id   text NOT NULL,
    told_at     timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    headline    text NOT NULL CHECK (length(headline) > 0),
    summary     text NOT NULL DEFAULT '',
    symbols     text[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (source, source_id, told_at),
    FOREIGN KEY (source, source_id) REFERENCES news_items (source, source_id)
);
