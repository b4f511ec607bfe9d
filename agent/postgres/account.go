package postgres

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// account is the OS user that runs the server: ourselves, or, as PostgreSQL refuses to run as root, another one.
type account struct {
	name     string
	uid, gid int
	groups   []uint32
	home     string
	other    bool // not ourselves: credentials are switched and files are given away
}

// lookupAccount finds who runs the server.
func lookupAccount(name string) (*account, error) {
	if os.Geteuid() != 0 {
		return &account{uid: os.Geteuid(), gid: os.Getegid()}, nil
	}
	if name == "" {
		name = "postgres"
	}
	u, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root and there is no OS user %q to run it: create one (useradd --system %s) or run as another user: %w", name, name, err)
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	if err1 != nil || err2 != nil || uid == 0 {
		return nil, fmt.Errorf("OS user %q cannot run PostgreSQL", name)
	}
	a := &account{name: name, uid: uid, gid: gid, home: u.HomeDir, other: true}
	ids, _ := u.GroupIds() // only group-readable keys need them
	for _, id := range ids {
		if n, err := strconv.ParseUint(id, 10, 32); err == nil {
			a.groups = append(a.groups, uint32(n))
		}
	}
	return a, nil
}

// attributes make a child run as the account.
func (a *account) attributes() *syscall.SysProcAttr {
	if !a.other {
		return &syscall.SysProcAttr{}
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid), Groups: a.groups}}
}

// environ is our environment without libpq's variables, which would lead a tool to another server.
func (a *account) environ() []string {
	var env []string
	for _, kv := range os.Environ() {
		switch {
		case strings.HasPrefix(kv, "PG"), a.other && (strings.HasPrefix(kv, "HOME=") || strings.HasPrefix(kv, "USER=") || strings.HasPrefix(kv, "LOGNAME=")):
		default:
			env = append(env, kv)
		}
	}
	if a.other {
		env = append(env, "HOME="+a.home, "USER="+a.name, "LOGNAME="+a.name)
	}
	return env
}

// give hands a file tree to the account.
func (a *account) give(root string) error {
	if !a.other {
		return nil
	}
	return filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, a.uid, a.gid)
	})
}

// reach fails when the account could not enter a directory, with the name of the one that bars the way.
func (a *account) reach(dir string) error {
	if !a.other {
		return nil
	}
	for d := dir; ; d = filepath.Dir(d) {
		st, err := os.Stat(d)
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		if err == nil {
			sys := st.Sys().(*syscall.Stat_t)
			bit := os.FileMode(0o001)
			switch {
			case int(sys.Uid) == a.uid:
				bit = 0o100
			case int(sys.Gid) == a.gid:
				bit = 0o010
			}
			if st.Mode()&bit == 0 {
				return fmt.Errorf("OS user %q cannot enter %q: choose another directory or allow it (chmod o+x %s)", a.name, d, d)
			}
		}
		if d == filepath.Dir(d) {
			return nil
		}
	}
}
