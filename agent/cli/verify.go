package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"foreshadow/sql/sqlerr"
)

type verifyCommand struct {
	DSN      string   `arg:"" optional:"" name:"dsn" help:"Connection string of the agent; what it leaves out is taken from PGHOST and its kin and from the password file, as psql does." placeholder:"DSN"`
	Host     string   `help:"Host of the agent." placeholder:"HOST"`
	Port     uint16   `help:"Port of the agent." short:"p" placeholder:"PORT"`
	Username string   `help:"Login." short:"U" placeholder:"NAME"`
	Dbname   string   `help:"Source, by its database's name." short:"d" placeholder:"NAME"`
	Table    []string `help:"Only this table, as schema.table; may be repeated." short:"t" placeholder:"TABLE" sep:"none"`
}

// Help is shown by --help.
func (verifyCommand) Help() string {
	return `Asks a running agent to compare the shadow with the primary by checksums, at one moment and while both go on, and prints a line for each table.
The exit status is 0 when every table is equal, 1 when one differs, and 2 when none differs but some, or all, could not be verified.`
}

// Run prints each table as its comparison ends.
func (c verifyCommand) Run(ctx context.Context, t terminal) error {
	different, unverified, err := c.verify(ctx, t)
	switch {
	case err != nil:
		var pg *pgconn.PgError
		if errors.As(err, &pg) {
			err = sqlerr.New(pg.Code, "%s", pg.Message).WithHint("%s", pg.Hint)
		}
		status(err, t.err)
		return failure{2}
	case different:
		return failure{1}
	case unverified:
		return failure{2}
	}
	return nil
}

// config reads the connection string and puts the flags over it.
func (c verifyCommand) config(t terminal) (*pgx.ConnConfig, error) {
	words := []string{c.DSN}
	if !strings.Contains(c.DSN, "://") {
		for _, f := range [][2]string{{"host", c.Host}, {"user", c.Username}, {"dbname", c.Dbname}} {
			if f[1] != "" {
				words = append(words, f[0]+"='"+strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(f[1])+"'")
			}
		}
		if c.Port != 0 {
			words = append(words, fmt.Sprintf("port=%d", c.Port))
		}
	} else if c.Host+c.Username+c.Dbname != "" || c.Port != 0 {
		return nil, errors.New("give either a URL or flags")
	}
	config, err := pgx.ParseConfig(strings.Join(words, " "))
	if err != nil {
		return nil, fmt.Errorf("read connection string: %w", err)
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		fmt.Fprintln(t.err, "foreshadow:", n.Message)
		if n.Hint != "" {
			fmt.Fprintln(t.err, "hint:", n.Hint)
		}
	}
	return config, nil
}

// statement asks for all tables or those named, each as SQL would have it.
func (c verifyCommand) statement() string {
	if len(c.Table) == 0 {
		return "VERIFY SHADOW"
	}
	return "VERIFY SHADOW TABLE " + strings.Join(c.Table, ", ")
}

func (c verifyCommand) verify(ctx context.Context, t terminal) (different, unverified bool, err error) {
	config, err := c.config(t)
	if err != nil {
		return false, false, err
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return false, false, fmt.Errorf("connect to the agent: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	rows, err := conn.Query(ctx, c.statement(), pgx.QueryResultFormats{pgx.TextFormatCode})
	if err != nil {
		return false, false, err
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		v := rows.RawValues()
		printVerdict(t.out, v)
		n++
		different = different || string(v[1]) == "different"
		unverified = unverified || string(v[1]) == "not verified"
	}
	return different, unverified || n == 0, rows.Err()
}

// printVerdict writes one table's line: relation, state, and what was compared or why not.
func printVerdict(out io.Writer, v [][]byte) {
	fmt.Fprintf(out, "%-32s %s", v[0], v[1])
	if v[2] != nil {
		fmt.Fprintf(out, ", %s rows at %s", v[3], v[2])
	}
	if v[5] != nil && string(v[5]) != "0" {
		fmt.Fprintf(out, ", %s differ", v[5])
	}
	if v[6] != nil {
		fmt.Fprintf(out, ": %s", v[6])
	}
	fmt.Fprintln(out)
}
