package raftnode

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestSavedCA issues by a CA that was read back: agents that hold the first certificate must accept the one issued later.
func TestSavedCA(t *testing.T) {
	t.Parallel()
	dir, now := t.TempDir(), time.Now()
	if _, err := OpenCA(dir, "shops"); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("a folder without a CA: %v", err)
	}
	made, err := NewCA("shops", now)
	if err != nil {
		t.Fatal(err)
	}
	if err := made.Save(dir); err != nil {
		t.Fatal(err)
	}
	if err := made.Save(dir); err == nil {
		t.Error("a CA was overwritten")
	}
	if _, err := OpenCA(dir, "other"); !errors.Is(err, ErrOtherCluster) {
		t.Errorf("the CA of another cluster: %v", err)
	}
	read, err := OpenCA(dir, "shops")
	if err != nil {
		t.Fatal(err)
	}
	files, err := read.Issue(filepath.Join(dir, "a"), "a", now)
	if err != nil {
		t.Fatal(err)
	}
	files.CAFile = filepath.Join(dir, "ca.crt") // as an agent that never saw the second run has it
	if err := files.check("a"); err != nil {
		t.Errorf("the certificate is not accepted: %v", err)
	}
	if err := files.check("b"); err == nil {
		t.Error("the certificate is accepted for another agent")
	}
}
