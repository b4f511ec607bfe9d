package shadow

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"foreshadow/agent/change"
)

// formatVersion is that of the segments and their manifest. A manifest of another one is refused.
const formatVersion = 1

const manifestName = "manifest.json"

// manifest says what is sealed: a checkpoint, if there is one yet, and the segments that follow it, in order. A file counts only once it stands here.
type manifest struct {
	Format     int
	Shadow     string // names the shadow, so that its segments are not mixed with another one's
	Checkpoint *checkpoint
	Segments   []segment
	Place      place // up to where everything is sealed
	SealedAt   time.Time
}

// place is a state of the shadow: its position, and the last numbers of the journal's two parts.
type place struct {
	N, Aside              int64
	Commit, Proof, End    change.LSN
	Time                  time.Time
	Looked                Mark
	Changes, Transactions int64
}

// file is a file beside the manifest.
type file struct {
	Name   string
	Rows   int64
	Bytes  int64
	SHA256 string
}

// segment is a stretch of the journal: the numbers after From, and those of its other part after FromAside, up to Place.
type segment struct {
	file
	From, FromAside int64
	Place           place
	Copies          []file `json:",omitempty"` // of the loads in it
	Level           int    `json:",omitempty"` // how often it was merged
}

// checkpoint is everything that the shadow held at a place. Log holds the change log up to it, in files that later checkpoints keep.
type checkpoint struct {
	Place  place
	Log    []file
	Tables map[string]file
}

// bytes is the size of what a checkpoint writes anew.
func (c *checkpoint) bytes() (n int64) {
	if c == nil {
		return 0
	}
	for _, f := range c.Tables {
		n += f.Bytes
	}
	return n
}

// files lists every file that a manifest needs.
func (m *manifest) files() []file {
	var out []file
	if m.Checkpoint != nil {
		out = append(out, m.Checkpoint.Log...)
		for _, name := range slices.Sorted(maps.Keys(m.Checkpoint.Tables)) {
			out = append(out, m.Checkpoint.Tables[name])
		}
	}
	for i := range m.Segments {
		out = append(append(out, m.Segments[i].Copies...), m.Segments[i].file)
	}
	return out
}

// readManifest reads the manifest of a folder; nil means that there is none.
func readManifest(dir string) (*manifest, error) {
	b, err := os.ReadFile(filepath.Join(dir, manifestName))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the segments' manifest: %w", err)
	}
	var signed signedManifest
	if err := json.Unmarshal(b, &signed); err != nil {
		return nil, fmt.Errorf("read the segments' manifest %s: %w", filepath.Join(dir, manifestName), err)
	}
	if sum := sha256.Sum256(signed.Manifest); hex.EncodeToString(sum[:]) != signed.SHA256 {
		return nil, fmt.Errorf("the segments' manifest %s is damaged: its checksum is wrong", filepath.Join(dir, manifestName))
	}
	m := &manifest{}
	if err := json.Unmarshal(signed.Manifest, m); err != nil {
		return nil, fmt.Errorf("read the segments' manifest: %w", err)
	}
	if m.Format != formatVersion {
		return nil, fmt.Errorf("the segments have format %d, this version reads %d", m.Format, formatVersion)
	}
	return m, m.chained()
}

// signedManifest is the manifest's file.
type signedManifest struct {
	SHA256   string
	Manifest json.RawMessage
}

// chained sees that nothing is missing between the checkpoint and the end.
func (m *manifest) chained() error {
	var at place
	if m.Checkpoint != nil {
		at = m.Checkpoint.Place
	}
	for i := range m.Segments {
		s := &m.Segments[i]
		if s.From > at.N || s.FromAside > at.Aside || i > 0 && (s.From != at.N || s.FromAside != at.Aside) {
			return fmt.Errorf("segment %s does not follow what comes before it: a segment is missing", s.Name)
		}
		at = s.Place
	}
	if m.Place.N < at.N || m.Place.Aside < at.Aside {
		return errors.New("the manifest ends before its last segment")
	}
	return nil
}

// write replaces the manifest of a folder. When it returns, the new one is durable.
func (m *manifest) write(dir string) error {
	inner, err := json.Marshal(m)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(inner)
	b, err := json.Marshal(signedManifest{SHA256: hex.EncodeToString(sum[:]), Manifest: inner})
	if err != nil {
		return err
	}
	name := filepath.Join(dir, manifestName)
	if err := writeDurable(name+".new", b); err != nil {
		return fmt.Errorf("write the segments' manifest: %w", err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		return fmt.Errorf("write the segments' manifest: %w", err)
	}
	return syncDir(dir)
}

// copyOf is a manifest that can be changed without changing this one.
func (m *manifest) copyOf() *manifest {
	c := *m
	c.Segments = append([]segment(nil), m.Segments...)
	return &c
}

func newManifest() *manifest {
	var id [16]byte
	_, _ = rand.Read(id[:]) // it never fails
	return &manifest{Format: formatVersion, Shadow: hex.EncodeToString(id[:])}
}

func writeDurable(name string, b []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// settle makes a file that DuckDB wrote durable under its name, and tells its size and checksum.
func settle(dir string, f *file) error {
	tmp := filepath.Join(dir, f.Name+".new")
	h, err := os.OpenFile(tmp, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	err = h.Sync()
	if err == nil {
		f.Bytes, f.SHA256, err = digest(h)
	}
	if err = errors.Join(err, h.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp, filepath.Join(dir, f.Name)); err != nil {
		return err
	}
	return syncDir(dir)
}

func digest(r io.Reader) (int64, string, error) {
	h := sha256.New()
	n, err := io.Copy(h, r)
	return n, hex.EncodeToString(h.Sum(nil)), err
}

// verify reads a file whole and compares it with what the manifest says.
func (f *file) verify(dir string) error {
	name := filepath.Join(dir, f.Name)
	h, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("segment %s is missing", name)
	}
	if err != nil {
		return fmt.Errorf("read segment %s: %w", name, err)
	}
	defer h.Close()
	n, sum, err := digest(h)
	if err != nil {
		return fmt.Errorf("read segment %s: %w", name, err)
	}
	if n != f.Bytes || sum != f.SHA256 {
		return fmt.Errorf("segment %s is damaged: it has %d bytes with checksum %.12s, the manifest says %d with %.12s", name, n, sum, f.Bytes, f.SHA256)
	}
	return nil
}
