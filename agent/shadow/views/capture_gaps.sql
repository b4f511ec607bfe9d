SELECT source, relation, from_lsn, to_lsn, noticed_at, reason FROM gaps
