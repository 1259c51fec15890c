-- Since when an event is here: it is kept from then on, not from when its callback was received. One
-- that is projected late (a projector that was away, a dead letter replayed) has readers to come.
ALTER TABLE streams.events ADD COLUMN projected_at timestamptz NOT NULL DEFAULT now();
