package postgres

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// copyTemplate fills the data directory from the cached template, or by initdb itself when nothing can be cached.
func (s *Server) copyTemplate(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Dir(s.opts.Dir), 0o755); err != nil {
		return err
	}
	template, err := s.template(ctx)
	if err != nil {
		return err
	}
	if err := os.CopyFS(s.opts.Dir, os.DirFS(template)); err != nil {
		os.RemoveAll(s.opts.Dir)
		return fmt.Errorf("copy template: %w", err)
	}
	if err := os.Chmod(s.opts.Dir, 0o700); err != nil {
		return err
	}
	return s.account.give(s.opts.Dir)
}

// template gives the path of an initialised data directory of this version. It appears in the cache by one rename, so
// that processes working in parallel see all of it or nothing; the loser of a race drops its own.
func (s *Server) template(ctx context.Context) (string, error) {
	root, err := cacheDir()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(s.full + "\x00" + s.opts.BinDir))
	final := filepath.Join(root, fmt.Sprintf("initdb-%d-%x", s.major, sum[:6]))
	if _, err := os.Stat(filepath.Join(final, "PG_VERSION")); err == nil {
		return final, nil
	}
	fresh := shortDir() // where the account can write, unlike the cache
	if err := s.ownDir(fresh); err != nil {
		return "", err
	}
	defer os.RemoveAll(fresh)
	made := filepath.Join(fresh, "data")
	if err := s.initdb(ctx, made); err != nil {
		return "", err
	}
	staged, err := os.MkdirTemp(root, "stage")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(staged)
	if err := os.CopyFS(filepath.Join(staged, "data"), os.DirFS(made)); err != nil {
		return "", fmt.Errorf("cache template: %w", err)
	}
	err = os.Rename(filepath.Join(staged, "data"), final)
	if _, there := os.Stat(filepath.Join(final, "PG_VERSION")); there == nil {
		return final, nil
	}
	return "", fmt.Errorf("cache template: %w", err)
}

// initdb makes a data directory the slow way.
func (s *Server) initdb(ctx context.Context, dir string) error {
	args := []string{"-D", dir, "-U", Superuser, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"}
	cmd := exec.CommandContext(ctx, filepath.Join(s.opts.BinDir, "initdb"), args...)
	cmd.Dir = "/"
	cmd.Env = s.account.environ()
	cmd.SysProcAttr = s.account.attributes()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, tail(string(out), 10))
	}
	return nil
}

// cacheDir is a directory of our own that outlives us: the user's cache, else one in the temporary directory.
func cacheDir() (string, error) {
	var candidates []string
	if dir, err := os.UserCacheDir(); err == nil {
		candidates = append(candidates, filepath.Join(dir, "foreshadow"))
	}
	candidates = append(candidates, filepath.Join(os.TempDir(), fmt.Sprintf("foreshadow-cache-%d", os.Geteuid())))
	var last error
	for _, dir := range candidates {
		if last = os.MkdirAll(dir, 0o700); last != nil {
			continue
		}
		st, err := os.Stat(dir)
		if err != nil || int(st.Sys().(*syscall.Stat_t).Uid) != os.Geteuid() {
			last = fmt.Errorf("cache directory %q is not ours", dir)
			continue
		}
		probe, err := os.MkdirTemp(dir, "probe")
		if last = err; err == nil {
			os.Remove(probe)
			return dir, nil
		}
	}
	return "", last
}

// LongestSocketDir leaves room for the socket's file name within the system's limit.
const LongestSocketDir = 80

// socketDir names a directory for the socket of a server: one beside its data directory, so that both go together whatever becomes of the agent, or, where
// that is too long for a socket's path, a temporary one.
func socketDir(data string) string {
	if beside := data + ".socket"; len(beside) <= LongestSocketDir {
		return beside
	}
	return shortDir()
}

// shortDir names a directory that does not exist yet, short enough for a socket path.
func shortDir() string {
	base := os.TempDir()
	if len(base) > 60 {
		base = "/tmp"
	}
	return filepath.Join(base, "fspg-"+randomName())
}

// ownDir makes a private directory for the account; one that is there already must be the account's own.
func (s *Server) ownDir(dir string) error {
	err := os.MkdirAll(filepath.Dir(dir), 0o755)
	if err == nil {
		err = os.Mkdir(dir, 0o700)
	}
	if os.IsExist(err) {
		st, err := os.Lstat(dir)
		if err != nil {
			return err
		}
		uid := int(st.Sys().(*syscall.Stat_t).Uid)
		if !st.IsDir() || (uid != s.account.uid && uid != os.Geteuid()) {
			return fmt.Errorf("directory %q belongs to someone else", dir)
		}
	} else if err != nil {
		return err
	}
	if err := s.account.reach(filepath.Dir(dir)); err != nil {
		return err
	}
	if s.account.other {
		return os.Chown(dir, s.account.uid, s.account.gid)
	}
	return nil
}

// tail gives the last lines of a log on one line.
func tail(log string, lines int) string {
	all := strings.Split(strings.TrimSpace(log), "\n")
	if len(all) > lines {
		all = all[len(all)-lines:]
	}
	return strings.Join(all, " | ")
}
