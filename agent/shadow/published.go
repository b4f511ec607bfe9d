package shadow

import "context"

// Member is how a table's changes reach the stream. Its key is another one whenever changes may have passed it by, unless it says that
// the table only moved; an empty key means that none arrive.
type Member struct {
	Key   string
	Moved bool
}

// Published compares tables' ways into the stream with those that were known before. Where changes may have passed by, the table's rows are not
// known from the last look at the catalog on, until it is copied again; these tables are returned.
func (d *DB) Published(_ context.Context, members map[uint32]Member) (lapsed []uint32, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	err = d.transact(func() error {
		for oid, m := range members {
			t := d.tables[oid]
			if t == nil {
				continue // it is to be loaded first
			}
			was := t.Member
			if was == "" {
				was = d.members[oid]
			}
			if t.Synced && t.Dropped == 0 && was != "" && was != m.Key && !m.Moved {
				d.lose(t)
				t.Lost.Missed = true
				if err := d.happen(event{Lose: &t.OID}); err != nil {
					return err
				}
				lapsed = append(lapsed, oid)
			}
			if t.Member != m.Key {
				t.Member = m.Key
				d.touched[oid] = true
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for oid, m := range members {
		d.members[oid] = m.Key
	}
	return lapsed, nil
}
