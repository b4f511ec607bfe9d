// Package config holds every setting of the agent in one struct: flag over environment over file over default.
// The commands read it, package agent turns it into each package's own options; no other package sees it.
package config

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"github.com/jackc/pgx/v5"
)

// Settings is what `foreshadow run` needs. Secrets are named as files, never given inline.
type Settings struct {
	Source    Source    `embed:"" prefix:"source-"`
	Server    Server    `embed:""`
	Shadow    Shadow    `embed:"" prefix:"shadow-"`
	Verify    Verify    `embed:"" prefix:"verify-"`
	Forecast  Forecast  `embed:"" prefix:"forecast-"`
	Cluster   Cluster   `embed:"" prefix:"cluster-"`
	Instances Instances `embed:"" prefix:"instances-"`
	Log       Log       `embed:"" prefix:"log-"`
}

// Source names the primary and how its log is read.
type Source struct {
	DSN          string `name:"dsn" help:"Connection string of the primary, without a password." placeholder:"DSN"`
	PasswordFile string `help:"File that holds the password of the primary's role." placeholder:"FILE"`
	Slot         string `help:"Replication slot." default:"foreshadow"`
	Publication  string `help:"Publication, created when missing." default:"foreshadow"`
	WALBudget    string `name:"wal-budget" help:"Most log that the primary may keep for this agent; past it the slot is given up and every table copied again. 0 is without bound." default:"16GB" placeholder:"SIZE"`
	Failover     bool   `help:"Let standbys keep a copy of the slot, so that capture goes on after a promotion (PostgreSQL 17 and newer)." default:"true" negatable:""`
	Copies       int    `help:"Sessions that copy tables at the same time; 0 means one for each core, at most 4." default:"0"`
}

// Server is where clients connect and what the agent keeps.
type Server struct {
	Listen      string `help:"Address for PostgreSQL clients." default:"127.0.0.1:6543" placeholder:"HOST:PORT"`
	AdminListen string `help:"Address for metrics and health over HTTP; empty turns it off." default:"127.0.0.1:6544" placeholder:"HOST:PORT"`
	DataDir     string `help:"Folder for everything the agent keeps." default:"/var/lib/foreshadow" placeholder:"DIR"`
	TLSCertFile string `name:"tls-cert-file" help:"Server certificate (PEM); one is made when empty." placeholder:"FILE"`
	TLSKeyFile  string `name:"tls-key-file" help:"Key of the server certificate (PEM)." placeholder:"FILE"`
	UsersFile   string `help:"Logins and accounts for the first start, as foreshadow passwd writes them." placeholder:"FILE"`
	PGBin       string `name:"pg-bin" help:"Folder of PostgreSQL's programs; found by itself when empty." placeholder:"DIR"`
	OSUser      string `name:"os-user" help:"Unprivileged account that PostgreSQL servers run under when the agent is root." default:"postgres"`
}

// Shadow bounds the embedded database.
type Shadow struct {
	Memory    string        `help:"Memory of the embedded database." default:"1GB" placeholder:"SIZE"`
	Threads   int           `help:"Threads of the embedded database; 0 means one for each core." default:"0"`
	Queries   int           `help:"Statements of clients that it computes at the same time, others wait; 0 means two for each core." default:"0"`
	Seal      time.Duration `help:"How often the history is sealed in segments, after which the primary may let go of its log." default:"10s"`
	MinFree   string        `help:"Capture pauses while less of the data folder's disk is free." default:"1GB" placeholder:"SIZE"`
	Keep      string        `help:"How much of every table's past is kept: an age such as 720h, a size such as 10GB, both as 720h+10GB, or all. The last ten seconds always stay." default:"all" placeholder:"LIMIT"`
	KeepTable []string      `help:"The same for one table, as schema.table=LIMIT." placeholder:"TABLE=LIMIT"`
}

// Verify sets how often the shadow is compared with the primary, and what that may ask of it.
type Verify struct {
	Interval time.Duration `help:"Time between comparisons of all tables with the primary; 0 turns them off." default:"24h"`
	Snapshot time.Duration `help:"How long the primary may have to keep one snapshot for a comparison." default:"2m"`
}

// Forecast sets how often the agent measures and predicts.
type Forecast struct {
	SampleInterval time.Duration `help:"Time between samples of the primary's statistics." default:"10s"`
	Interval       time.Duration `help:"Time between forecast runs." default:"15m"`
	Horizon        time.Duration `help:"How far ahead forecasts are kept." default:"9600h"`
	EventsFile     string        `help:"CSV file of known events that change the load, past and coming: name,start,end[,every]; an empty end is a deployment. Read at every run." placeholder:"FILE"`
}

// Cluster names the agents that decide together.
type Cluster struct {
	Name     string   `help:"Name of the cluster, as it stands in the agents' certificates." default:"foreshadow"`
	ID       string   `name:"id" help:"This agent's stable name." default:"agent-1"`
	Listen   string   `help:"Address for other agents." default:"127.0.0.1:6545" placeholder:"HOST:PORT"`
	Peers    []string `help:"All agents as id=host:port, this one included; empty means this agent alone." placeholder:"ID=ADDR"`
	CAFile   string   `name:"ca-file" help:"Certificate authority of the agents (PEM); one is made for a single agent." placeholder:"FILE"`
	CertFile string   `help:"This agent's certificate for other agents (PEM)." placeholder:"FILE"`
	KeyFile  string   `help:"Key of that certificate (PEM)." placeholder:"FILE"`
}

// Instances bounds predictive instances.
type Instances struct {
	MaxSize           string        `help:"Largest size of an instance unless its request says less." default:"20GB" placeholder:"SIZE"`
	TTL               time.Duration `name:"ttl" help:"How long an instance lives unless its request says otherwise." default:"168h"`
	RequireActivation bool          `help:"Refuse instances until both accounts have activated them (set at the first start)."`
}

// Log sets what the agent writes to its standard error.
type Log struct {
	Level  string `help:"Least level written." enum:"debug,info,warn,error" default:"info"`
	Format string `help:"Form of a line." enum:"text,json" default:"text"`
}

// Check finds what flags alone cannot: a missing source, a password in the connection string, half a certificate.
func (s *Settings) Check() error {
	if s.Source.DSN == "" {
		return errors.New("no primary: set source.dsn in the file, FORESHADOW_SOURCE_DSN or --source-dsn")
	}
	c, err := pgx.ParseConfig(s.Source.DSN)
	if err != nil {
		return errors.New("source.dsn is not a connection string, such as postgres://user@host:5432/database or host=h user=u dbname=d")
	}
	if c.Password != "" && containsPassword(s.Source.DSN) {
		return errors.New("source.dsn holds a password: put it into a file and name that as source.password-file")
	}
	if (s.Server.TLSCertFile == "") != (s.Server.TLSKeyFile == "") {
		return errors.New("tls-cert-file and tls-key-file go together")
	}
	if len(s.Cluster.Peers) > 0 && (s.Cluster.CAFile == "" || s.Cluster.CertFile == "" || s.Cluster.KeyFile == "") {
		return errors.New("several agents need cluster.ca-file, cluster.cert-file and cluster.key-file")
	}
	for _, p := range s.Cluster.Peers {
		if id, addr, ok := strings.Cut(p, "="); !ok || id == "" || addr == "" {
			return fmt.Errorf("cluster.peers: %q is not of the form id=host:port", p)
		}
	}
	if _, err := ParseSize(s.Source.WALBudget); err != nil {
		return fmt.Errorf("source.wal-budget: %w", err)
	}
	if _, err := ParseSize(s.Instances.MaxSize); err != nil {
		return fmt.Errorf("instances.max-size: %w", err)
	}
	return s.Shadow.check()
}

func (s *Shadow) check() error {
	if _, err := ParseSize(s.MinFree); err != nil {
		return fmt.Errorf("shadow.min-free: %w", err)
	}
	if _, _, err := ParseKeep(s.Keep); err != nil {
		return fmt.Errorf("shadow.keep: %w", err)
	}
	for _, t := range s.KeepTable {
		name, keep, ok := strings.Cut(t, "=")
		if schema, table, dot := strings.Cut(name, "."); !ok || !dot || schema == "" || table == "" {
			return fmt.Errorf("shadow.keep-table: %q is not of the form schema.table=LIMIT", t)
		}
		if _, _, err := ParseKeep(keep); err != nil {
			return fmt.Errorf("shadow.keep-table: %w", err)
		}
	}
	return nil
}

// containsPassword tells a password inside the string from one that PGPASSWORD or a password file supplied.
func containsPassword(dsn string) bool {
	if strings.Contains(dsn, "://") {
		user, _, ok := strings.Cut(dsn[strings.Index(dsn, "://")+3:], "@")
		return ok && strings.Contains(user, ":") || strings.Contains(dsn, "password=")
	}
	return strings.Contains(dsn, "password")
}

// Default gives the settings with every default filled in.
func Default() (*Settings, error) {
	var s Settings
	k, err := kong.New(&s)
	if err != nil {
		return nil, fmt.Errorf("read default settings: %w", err)
	}
	if _, err := k.Parse(nil); err != nil {
		return nil, fmt.Errorf("read default settings: %w", err)
	}
	return &s, nil
}
