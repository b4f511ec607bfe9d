package seed

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
)

// repairRounds bounds the search for free combinations; each round settles most of what is left.
const repairRounds = 12

// repair makes the new rows in the support table keep a key that consists of references: where a combination is taken, one
// reference moves to another parent, chosen by the random seed. What finds no place is left out and reported as a shortfall.
func (b *builder) repair(ctx context.Context, t *table, k *key) error {
	movable := movables(t, k)
	for round := range repairRounds {
		if err := b.collisions(ctx, t, k); err != nil {
			return err
		}
		var n int64
		if err := b.scan(ctx, &n, "SELECT count(*) FROM foreshadow_seed.collisions"); err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
		if len(movable) == 0 || round == repairRounds-1 {
			return b.giveUp(ctx, t, k, n)
		}
		if err := b.move(ctx, t, k, movable[round%len(movable)], round); err != nil {
			return err
		}
	}
	return nil
}

// giveUp leaves a nullable column of the key empty, or, when there is none, the rows out.
func (b *builder) giveUp(ctx context.Context, t *table, k *key, n int64) error {
	for _, name := range k.columns {
		if c := t.column(name); !c.notNull && k.predicate == "" {
			b.note(t, CheckNote, "%d new rows have no %s: no free combination for %s", n, name, k.name)
			return b.exec(ctx, fmt.Sprintf(`UPDATE %s n SET %s = NULL FROM foreshadow_seed.collisions c WHERE n."fs$j" = c.j`, t.stageName, quote(name)))
		}
	}
	t.lost += n
	b.note(t, CheckNote, "%d rows were left out: no free combination for %s", n, k.name)
	return b.exec(ctx, fmt.Sprintf(`DELETE FROM %s n USING foreshadow_seed.collisions c WHERE n."fs$j" = c.j`, t.stageName))
}

// movables are the references of a key that may take any parent: of one column, shared with no other reference. The one with most parents comes first.
func movables(t *table, k *key) []*foreignKey {
	var out []*foreignKey
	for _, name := range k.columns {
		f := t.reference(name)
		if f == nil || len(f.columns) != 1 || f.parent == t {
			continue
		}
		shared := 0
		for _, g := range t.fks {
			for _, c := range g.columns {
				if c == name {
					shared++
				}
			}
		}
		if shared == 1 {
			out = append(out, f)
		}
	}
	slices.SortStableFunc(out, func(x, y *foreignKey) int { return cmp.Compare(y.parent.n+y.parent.m, x.parent.n+x.parent.m) })
	return out
}

// collisions lists the new rows whose key is taken by an old row or by an earlier new one.
func (b *builder) collisions(ctx context.Context, t *table, k *key) error {
	var list, same, known []string
	for _, c := range k.columns {
		q := quote(c)
		list = append(list, q)
		same = append(same, "o."+q+" = n."+q)
		known = append(known, q+" IS NOT NULL")
	}
	where := strings.Join(known, " AND ")
	if k.predicate != "" {
		where += " AND (" + k.predicate + ")"
	}
	return b.exec(ctx, fmt.Sprintf(`DROP TABLE IF EXISTS foreshadow_seed.collisions;
		CREATE UNLOGGED TABLE foreshadow_seed.collisions AS
		SELECT j FROM (SELECT "fs$j" AS j, row_number() OVER (PARTITION BY %[1]s ORDER BY "fs$j") AS nth FROM %[2]s WHERE %[3]s) s WHERE nth > 1
		UNION SELECT n."fs$j" FROM (SELECT * FROM %[2]s WHERE %[3]s) n JOIN (SELECT %[1]s FROM %[4]s WHERE %[3]s) o ON %[5]s`,
		strings.Join(list, ", "), t.stageName, where, t.from(), strings.Join(same, " AND ")))
}

// move gives each colliding row another parent. A key of this one reference takes the parents that have no row yet, in
// order; a wider key takes parents at random, since most combinations are free.
func (b *builder) move(ctx context.Context, t *table, k *key, f *foreignKey, round int) error {
	fk, ref := quote(f.columns[0]), quote(f.refColumns[0])
	if len(k.columns) == 1 {
		return b.exec(ctx, fmt.Sprintf(`UPDATE %[1]s n SET %[2]s = p.key
			FROM (SELECT j, row_number() OVER (ORDER BY j) AS i FROM foreshadow_seed.collisions) c
			JOIN (SELECT p.%[3]s AS key, row_number() OVER (ORDER BY p.%[3]s) AS i FROM %[4]s p
			      WHERE p.%[3]s IS NOT NULL AND NOT EXISTS (SELECT FROM %[5]s o WHERE o.%[2]s = p.%[3]s)
			        AND NOT EXISTS (SELECT FROM %[1]s o WHERE o.%[2]s = p.%[3]s)) p ON p.i = c.i
			WHERE n."fs$j" = c.j`, t.stageName, fk, ref, f.parent.from(), t.from()))
	}
	return b.exec(ctx, fmt.Sprintf(`WITH p AS MATERIALIZED (SELECT %[3]s AS key, row_number() OVER (ORDER BY %[3]s) - 1 AS i FROM %[4]s WHERE %[3]s IS NOT NULL),
		c AS MATERIALIZED (SELECT j, (hashint8extended(j, %[5]d) & 9223372036854775807) %% greatest(1, (SELECT count(*) FROM p)) AS i FROM foreshadow_seed.collisions)
		UPDATE %[1]s n SET %[2]s = p.key FROM c JOIN p ON p.i = c.i WHERE n."fs$j" = c.j`, t.stageName, fk, ref, f.parent.from(), b.opts.RandomSeed+int64(round)))
}
