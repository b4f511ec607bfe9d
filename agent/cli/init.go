package cli

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"foreshadow/cluster/raftnode"
)

type initCommand struct {
	Cluster string   `help:"Name of the cluster; it stands in every certificate." default:"foreshadow" placeholder:"NAME"`
	Out     string   `help:"Folder to write to, made when missing." required:"" placeholder:"DIR"`
	Agents  []string `arg:"" name:"id=host" help:"Every agent of the cluster: its id and the host, or host:port, where the others reach it."`
}

// Help is shown by --help.
func (initCommand) Help() string {
	return `Makes what several agents need to trust one another, and prints the lines for each agent's settings file.

  foreshadow init --cluster shops --out certs a=a.internal b=b.internal c=c.internal

  certs/ca.crt, certs/ca.key     the cluster's own certificate authority, good for ten years; keep the key off the agents' hosts
  certs/ID/ca.crt                the same certificate, for the agent
  certs/ID/agent.crt, agent.key  the agent's certificate, good for one year, and its key

Copy each folder to its agent's host, readable by the account that the agent runs under only, and put its place there into the
settings. Three agents go on deciding when one is lost, five when two are. Every agent needs the same list of agents.

Nothing is ever overwritten. To renew a certificate, move the agent's folder away and run the same command again: the CA in the
folder is used anew, agents whose folder is there are left alone, and a running agent takes up the new files by itself.
Any other CA will do too, if each certificate carries the URI spiffe://NAME/agent/ID and is good for client and server.`
}

// agentPort is where agents meet unless a port is given: the default of cluster.listen.
const agentPort = "6545"

var hostWord = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$`)

// member is one agent of the command line.
type member struct{ id, host, port string }

// addr is where the others reach it.
func (m member) addr() string { return net.JoinHostPort(m.host, m.port) }

// Run writes the files that are missing and prints the settings of every agent.
func (c initCommand) Run(t terminal) error {
	if !raftnode.ValidName(c.Cluster) {
		return fmt.Errorf("cluster name %q is not of letters, digits, dots, dashes and underscores", c.Cluster)
	}
	members, err := parseMembers(c.Agents)
	if err != nil {
		return err
	}
	dir, err := filepath.Abs(c.Out)
	if err != nil {
		return fmt.Errorf("find %s: %w", c.Out, err)
	}
	missing, err := withoutFolder(dir, members)
	if err != nil {
		return err
	}
	now := time.Now()
	ca, err := openCA(dir, c.Cluster, now)
	if err != nil {
		return err
	}
	for _, m := range missing {
		if err := issue(ca, dir, m, now); err != nil {
			return err
		}
		fmt.Fprintf(t.err, "wrote %s\n", filepath.Join(dir, m.id))
	}
	for i, m := range members {
		if i > 0 {
			fmt.Fprintln(t.out)
		}
		c.printSettings(t.out, dir, m, members)
	}
	return nil
}

// parseMembers reads id=host or id=host:port. Ids and addresses must differ, or certificates and votes would be mixed up.
func parseMembers(words []string) ([]member, error) {
	var list []member
	for _, w := range words {
		id, host, ok := strings.Cut(w, "=")
		m := member{id: id, host: strings.Trim(host, "[]"), port: agentPort}
		if h, p, err := net.SplitHostPort(host); err == nil {
			m.host, m.port = h, p
		}
		if _, err := net.LookupPort("tcp", m.port); err != nil || !ok || !hostWord.MatchString(m.host) && net.ParseIP(m.host) == nil {
			return nil, fmt.Errorf("%q is not of the form id=host or id=host:port", w)
		}
		if !raftnode.ValidName(m.id) {
			return nil, fmt.Errorf("agent id %q is not of letters, digits, dots, dashes and underscores", m.id)
		}
		for _, other := range list {
			if other.id == m.id {
				return nil, fmt.Errorf("agent %q is given twice", m.id)
			}
			if other.addr() == m.addr() {
				return nil, fmt.Errorf("agents %q and %q have the same address; give agents of one host a port each", other.id, m.id)
			}
		}
		list = append(list, m)
	}
	return list, nil
}

// withoutFolder gives the agents to issue for; that there are none is an error, since the caller wanted something written.
func withoutFolder(dir string, members []member) ([]member, error) {
	var missing []member
	for _, m := range members {
		_, err := os.Lstat(filepath.Join(dir, m.id))
		switch {
		case errors.Is(err, os.ErrNotExist):
			missing = append(missing, m)
		case err != nil:
			return nil, fmt.Errorf("look for earlier files: %w", err)
		}
	}
	if len(missing) == 0 {
		return nil, fmt.Errorf("%s has the files of every agent and none is overwritten; to renew one, move its folder away first", dir)
	}
	return missing, nil
}

// openCA takes the CA that the folder has, or makes one.
func openCA(dir, cluster string, now time.Time) (*raftnode.CA, error) {
	ca, err := raftnode.OpenCA(dir, cluster)
	if !errors.Is(err, os.ErrNotExist) {
		return ca, err
	}
	if ca, err = raftnode.NewCA(cluster, now); err != nil {
		return nil, err
	}
	return ca, ca.Save(dir)
}

// issue writes an agent's folder whole or not at all.
func issue(ca *raftnode.CA, dir string, m member, now time.Time) error {
	tmp, err := os.MkdirTemp(dir, ".new-*")
	if err != nil {
		return fmt.Errorf("make the agent's folder: %w", err)
	}
	defer os.RemoveAll(tmp)
	if _, err := ca.Issue(tmp, m.id, now, m.host); err != nil {
		return err
	}
	if err := os.Rename(tmp, filepath.Join(dir, m.id)); err != nil {
		return fmt.Errorf("make the agent's folder: %w", err)
	}
	return nil
}

// printSettings prints one agent's lines for its settings file. Every text is quoted: an id such as 007 or yes means something else in YAML.
func (c initCommand) printSettings(out io.Writer, dir string, m member, all []member) {
	own := filepath.Join(dir, m.id)
	fmt.Fprintf(out, "# agent %s\ncluster:\n  name: %q\n  id: %q\n  listen: %q\n  peers:\n", m.id, c.Cluster, m.id, listenAddr(m))
	for _, p := range all {
		fmt.Fprintf(out, "    - %q\n", p.id+"="+p.addr())
	}
	fmt.Fprintf(out, "  ca-file: %q\n  cert-file: %q\n  key-file: %q\n",
		filepath.Join(own, "ca.crt"), filepath.Join(own, "agent.crt"), filepath.Join(own, "agent.key"))
}

// listenAddr is the address itself on the loopback, where nobody else must come in, and every address of the host otherwise: its name
// may resolve to an address that the host itself does not have.
func listenAddr(m member) string {
	if ip := net.ParseIP(m.host); m.host == "localhost" || ip != nil && ip.IsLoopback() {
		return m.addr()
	}
	return net.JoinHostPort("", m.port)
}
