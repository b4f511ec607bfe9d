package cli

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"foreshadow/agent/predict"
	"foreshadow/agent/prometheus"
	"foreshadow/forecast"
	"foreshadow/sql/sqlerr"
)

type importPrometheusCommand struct {
	inboxFlags   `embed:""`
	URL          string `name:"url" help:"Address of Prometheus, such as http://prometheus:9090." required:"" placeholder:"URL"`
	Database     string `help:"Name of the database, as postgres_exporter has it (label datname)." required:"" placeholder:"NAME"`
	Days         int    `help:"How many days back." default:"365"`
	Postgres     string `help:"Further label matchers of postgres_exporter, such as instance=\"db1:9187\"." placeholder:"MATCHERS"`
	Node         string `help:"Label matchers of node_exporter on the primary's host, such as instance=\"db1:9100\"." placeholder:"MATCHERS"`
	Mountpoint   string `help:"Where the disk of the primary's data is mounted." default:"/" placeholder:"DIR"`
	TokenFile    string `help:"File that holds a bearer token." placeholder:"FILE"`
	User         string `help:"Login, with --password-file." placeholder:"NAME"`
	PasswordFile string `help:"File that holds its password." placeholder:"FILE"`
}

// Run reads everything before the agent gets any of it.
func (c importPrometheusCommand) Run(ctx context.Context, t terminal) error {
	inbox, err := c.inbox()
	if err != nil {
		return err
	}
	header, err := c.header()
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	o := prometheus.Options{URL: c.URL, Header: header, From: now.AddDate(0, 0, -c.Days), To: now, Database: c.Database, Postgres: c.Postgres, Node: c.Node, Mountpoint: c.Mountpoint}
	o.Progress = func(p prometheus.Progress) {
		fmt.Fprintf(t.err, "%-20s %3.0f %%  %d values\n", p.Series, 100*p.Done.Seconds()/p.Total.Seconds(), p.Values)
	}
	values, missing := 0, []string(nil)
	err = predict.LeaveSamples(inbox, now, func(use func([]forecast.Sample) error) (err error) {
		missing, err = prometheus.Read(ctx, o, func(samples []forecast.Sample) error {
			values += len(samples)
			return use(samples)
		})
		return err
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(t.out, "%d values from %s on; the agent takes them within seconds, or when it starts\n", values, o.From.Format(time.DateOnly))
	if len(missing) > 0 {
		fmt.Fprintf(t.out, "Prometheus has no history of %s\n", strings.Join(missing, ", "))
	}
	return nil
}

// header is the one for authorization, if any.
func (c importPrometheusCommand) header() (http.Header, error) {
	secret := func(file string) (string, error) {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("read the login of Prometheus: %w", err)
		}
		return strings.TrimRight(string(text), "\r\n"), nil
	}
	switch {
	case c.TokenFile != "" && c.User != "" || (c.User == "") != (c.PasswordFile == ""):
		return nil, sqlerr.New(sqlerr.InvalidParameterValue, "give either --token-file, or --user with --password-file")
	case c.TokenFile != "":
		token, err := secret(c.TokenFile)
		return http.Header{"Authorization": {"Bearer " + token}}, err
	case c.User != "":
		password, err := secret(c.PasswordFile)
		return http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(c.User+":"+password))}}, err
	}
	return nil, nil
}
