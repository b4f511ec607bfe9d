package agent

import (
	"context"
	"time"

	"foreshadow/agent/change"
	"foreshadow/agent/mirror"
	"foreshadow/agent/orchestrator"
	"foreshadow/agent/predict"
	"foreshadow/agent/sampler"
	"foreshadow/agent/shadow"
	"foreshadow/agent/verify"
	"foreshadow/cluster"
	"foreshadow/pgwire"
	"foreshadow/sql/engine"
	"foreshadow/sql/result"
	"foreshadow/sql/session"
)

// Who fits whom: interfaces stand with their callers, so that a change of either side fails here.
var (
	_ pgwire.Handler         = (*engine.Engine)(nil)
	_ engine.MirrorSession   = (*mirror.Session)(nil)
	_ engine.Mirror          = mirrors{}
	_ engine.Shadow          = shadows{}
	_ engine.Predictor       = predict.Tables{}
	_ engine.Verifier        = verifier{}
	_ engine.Governance      = governance{}
	_ engine.Logins          = logins{}
	_ engine.Planner         = planner{}
	_ engine.Instances       = instances{}
	_ predict.Store          = (*shadow.DB)(nil)
	_ sampler.Store          = (*shadow.DB)(nil)
	_ orchestrator.Store     = seedStore{}
	_ orchestrator.History   = seedStore{}
	_ orchestrator.Pinner    = seedStore{}
	_ orchestrator.Schema    = schema{}
	_ orchestrator.Predictor = (*predict.Runner)(nil)
	_ cluster.Executor       = (*executor)(nil)
)

// EngineSource is a database for the engine, as its mirror and its shadow have it.
func EngineSource(name string, m *mirror.Mirror, db *shadow.DB) engine.Source {
	return engine.Source{Name: name, Mirror: mirrors{m}, Shadow: shadows{db}}
}

// mirrors gives the mirror's sessions as the engine's interface.
type mirrors struct{ mirror *mirror.Mirror }

func (m mirrors) Session(ctx context.Context, role string, startup map[string]string) (engine.MirrorSession, error) {
	s, err := m.mirror.Session(ctx, role, startup)
	if err != nil { // a nil *Session must not become a non-nil interface
		return nil, err
	}
	return s, nil
}

// shadows words the engine's questions for the shadow.
type shadows struct{ db *shadow.DB }

func (s shadows) Reading(ctx context.Context) (context.Context, func()) { return s.db.Reading(ctx) }

func (s shadows) Source(ctx context.Context, r engine.Ref) (string, error) {
	return s.db.Source(ctx, shadow.Ref{OID: r.OID, Name: r.Name, Readable: r.Readable, AsOf: asOf(r.AsOf), Then: r.Then, Versions: r.Versions, Since: asOf(r.Since)})
}

// asOf is the engine's moment in the shadow's words.
func asOf(a engine.AsOf) shadow.AsOf { return shadow.AsOf{Time: a.Time, LSN: change.LSN(a.LSN)} }

// Moment gives a time its position.
func (s shadows) Moment(_ context.Context, at engine.AsOf) (engine.AsOf, error) {
	a, err := s.db.Moment(asOf(at))
	return engine.AsOf{Time: a.Time, LSN: uint64(a.LSN)}, err
}

// At tells which table a name stood for.
func (s shadows) At(_ context.Context, n engine.Named, at engine.AsOf) (*engine.Shape, error) {
	t, err := s.db.At(shadow.Named(n), asOf(at))
	if t == nil || err != nil {
		return nil, err
	}
	out := &engine.Shape{OID: t.OID, Schema: t.Schema, Name: t.Name, Dropped: t.Dropped, Parent: t.Parent}
	for _, c := range t.Columns {
		out.Columns = append(out.Columns, engine.ShapeColumn{Name: c.Name, TypeOID: c.TypeOID, TypMod: c.TypMod, AttNum: c.AttNum})
	}
	return out, nil
}

func (s shadows) AsText(oid uint32) []string { return s.db.AsText(oid) }

// Diff compares a table with itself.
func (s shadows) Diff(ctx context.Context, oid uint32, before, after engine.AsOf) (string, error) {
	return s.db.Diff(ctx, oid, asOf(before), asOf(after))
}

func (s shadows) Query(ctx context.Context, q engine.Query) (result.Rows, error) {
	return s.db.Query(ctx, shadow.Query(q))
}

// Together asks several questions of one moment.
func (s shadows) Together(ctx context.Context, do func(func(engine.Query) (result.Rows, error)) error) error {
	return s.db.Together(ctx, func(query func(shadow.Query) (result.Rows, error)) error {
		return do(func(q engine.Query) (result.Rows, error) { return query(shadow.Query(q)) })
	})
}

// verifier words comparisons for the engine.
type verifier struct{ v *verify.Verifier }

func (v verifier) Verify(ctx context.Context, tables []uint32, each func(engine.Verdict) error) error {
	return v.v.Verify(ctx, tables, func(r verify.Result) error {
		out := engine.Verdict{Relation: r.Relation, State: string(r.State), LSN: uint64(r.LSN), Rows: r.Rows, Chunks: r.Chunks, Differing: r.Differing, Detail: r.Detail}
		if r.State == verify.Different {
			out.Hint = verify.Remedy
		}
		return each(out)
	})
}

// seedStore gives an instance's seed the rows of the shadow.
type seedStore struct{ *shadow.DB }

// LSNAt is the position that was current at a moment.
func (s seedStore) LSNAt(ctx context.Context, at time.Time) (change.LSN, error) {
	return s.DB.LSNAt(ctx, at)
}

// schema gives an instance the mirror's copy of the primary's definitions.
type schema struct{ mirror *mirror.Mirror }

func (s schema) SchemaDump(_ context.Context, source string) (roles, pre, post string, err error) {
	d, err := s.mirror.SchemaDump(source)
	return d.Roles, d.PreData, d.PostData, err
}

// instances joins sessions to predictive instances.
type instances struct{ orchestrator *orchestrator.Orchestrator }

func (i instances) Exists(_ context.Context, name string) (bool, error) {
	return i.orchestrator.Exists(name), nil
}

// Connect uses the login's role, so that the instance's own grants, copied from the primary, decide what it may read.
func (i instances) Connect(ctx context.Context, l engine.Login, name string, s session.Startup) (*session.Proxy, error) {
	c, err := i.orchestrator.Dial(ctx, name, l.Role, s.Params)
	if err != nil {
		return nil, err
	}
	c.Proxy.Cancel = c.Cancel
	return c.Proxy, nil
}
