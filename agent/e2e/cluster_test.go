package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"foreshadow/agent/pgtest"
)

// TestClusterLosesItsLeader kills the leader of three agents between two approvals: first the one that has to build an instance, then one
// that has no part in the request. Each request is carried out once, the agents' histories agree, and who was killed catches up.
func TestClusterLosesItsLeader(t *testing.T) {
	t.Parallel()
	agents := startCluster(t)
	builder := leader(t, agents)
	eventually(t, time.Minute, "a forecast to plan by", func() bool {
		return builder.value(t, "analyst", builder.database, "SELECT count(*) > 0 FROM foreshadow.volume_forecast WHERE measure = 'rows'") == "t"
	})
	build := builder.ask(t, "alice", "CREATE PREDICTIVE INSTANCE spring AT HORIZON '30 days'")
	decideWithout(t, agents, builder, builder, build, "alice", "bob")

	lost := leader(t, agents)
	target := agents[(slices.Index(agents, lost)+1)%len(agents)]
	model := target.ask(t, "bob", "INITIALIZE PREDICTIVE MODEL")
	decideWithout(t, agents, lost, target, model, "bob", "alice")

	for _, a := range agents {
		instances := "0"
		if a == builder {
			instances = "1"
		}
		if got := a.value(t, "alice", a.database, "SELECT count(*) FROM foreshadow.instances"); got != instances {
			t.Errorf("agent %s has %s instances, want %s", a.id, got, instances)
		}
	}
	rows := builder.value(t, "alice", builder.database, "SELECT DISTINCT projected_rows FROM foreshadow.instance_reports WHERE relation LIKE '%orders' AND projected_rows IS NOT NULL")
	eventually(t, 30*time.Second, "the instance answers with the rows that were promised", func() bool {
		out, err := builder.psql(t, "analyst", "spring", "-At", "-c", "SELECT count(*) FROM orders")
		return err == nil && out == rows
	})
	checkHistories(t, agents, build, model)
	var stopping sync.WaitGroup
	for _, a := range agents { // all at once, as when a machine goes down; each must still end cleanly
		stopping.Go(func() { a.stop(t) })
	}
	stopping.Wait()
}

// decideWithout gives one approval, kills the leader, and gives the other approval through a survivor. Work for a killed agent must wait
// until that is back, and be done once then.
func decideWithout(t *testing.T, agents []*clusterAgent, lost, target *clusterAgent, request, one, other string) {
	t.Helper()
	t.Logf("request %s is for agent %s; agent %s leads and is lost", request, target.id, lost.id)
	target.decide(t, one, request)
	lost.kill(t)
	var survivors []*clusterAgent
	for _, a := range agents {
		if a != lost {
			survivors = append(survivors, a)
		}
	}
	through := survivors[0]
	if through == target { // by another agent than the one that will work, which is also farther from where it was proposed
		through = survivors[1]
	}
	eventually(t, 30*time.Second, "the survivors agree on a leader", func() bool {
		out, err := through.psql(t, other, through.database, "-At", "-c", "SHOW REQUEST "+request)
		return err == nil && strings.Contains(out, "PENDING")
	})
	through.decide(t, other, request)
	if lost == target {
		if got := through.shown(t, request); got != "APPROVED" {
			t.Errorf("request %s is %s while its agent is dead, want APPROVED", request, got)
		}
	}
	lost.launch(t)
	lost.waitReady(t)
	for _, a := range agents { // each by its own copy, so this is also the catching up
		eventually(t, 2*time.Minute, "the request is carried out, as agent "+a.id+" knows it", func() bool {
			state, err := a.psql(t, "alice", a.database, "-At", "-c", "SELECT state || ' ' || coalesce(message, '') FROM foreshadow.requests WHERE request_id = "+request)
			if err == nil && (strings.HasPrefix(state, "FAILED") || strings.HasPrefix(state, "STALE")) {
				t.Fatalf("request %s: %s", request, state)
			}
			return err == nil && strings.HasPrefix(state, "EXECUTED")
		})
	}
}

// checkHistories wants one claim of each request, and one history on all agents, which each of them can verify.
func checkHistories(t *testing.T, agents []*clusterAgent, requests ...string) {
	t.Helper()
	histories := map[string]string{}
	for _, a := range agents {
		for _, request := range requests {
			history := a.value(t, "alice", a.database, "SELECT string_agg(action, ' ' ORDER BY seq) FROM foreshadow.audit_log WHERE request_id = "+request)
			for action, want := range map[string]int{"APPROVE": 2, "CLAIM": 1, "EXECUTE": 1} {
				if strings.Count(history, action) != want {
					t.Errorf("agent %s: request %s needs %s %d times: %s", a.id, request, action, want, history)
				}
			}
		}
		want := fmt.Sprintf("|the chain is whole; %d other agents agree, 0 differ, 0 did not answer", len(agents)-1)
		eventually(t, 30*time.Second, "agent "+a.id+" verifies its history and finds the others' the same", func() bool {
			out, err := a.psql(t, "bob", a.database, "-At", "-c", "VERIFY AUDIT")
			return err == nil && strings.HasSuffix(out, want) && strings.Contains(out, "|t|")
		})
		histories[a.value(t, "bob", a.database, "SELECT string_agg(seq || ' ' || hash, ',' ORDER BY seq) FROM foreshadow.audit_log")] = a.id
	}
	if len(histories) != 1 {
		t.Errorf("the agents keep %d different histories: %v", len(histories), histories)
	}
	members := agents[0].value(t, "alice", agents[0].database, "SELECT count(*) FILTER (WHERE voter), count(*) FILTER (WHERE leader), count(*) FILTER (WHERE self), count(applied_index) FROM foreshadow.cluster_members")
	if members != "3|1|1|3" {
		t.Errorf("members, leaders, self, reached: %s", members)
	}
}

// leader asks the agents who leads, until they agree.
func leader(t *testing.T, agents []*clusterAgent) *clusterAgent {
	t.Helper()
	var found *clusterAgent
	eventually(t, 30*time.Second, "the agents name one leader", func() bool {
		names := map[string]bool{}
		for _, a := range agents {
			out, err := a.psql(t, "alice", a.database, "-At", "-c", "SELECT agent FROM foreshadow.cluster_members WHERE leader")
			if err != nil {
				return false
			}
			names[out] = true
		}
		found = nil
		for _, a := range agents {
			if names[a.id] && len(names) == 1 {
				found = a
			}
		}
		return found != nil
	})
	return found
}

// startCluster sets three agents up as deploy/README.md says: roles and publications by deploy/sql, certificates by init, logins by passwd.
func startCluster(t *testing.T) []*clusterAgent {
	t.Helper()
	dir := openDir(t)
	primary := pgtest.Start(t)
	databases := []string{"shop", "billing", "stock"}
	preparePrimary(t, primary, databases)
	var agents []*clusterAgent
	words := []string{"init", "--cluster", "shops", "--out", filepath.Join(dir, "certs")}
	for i, port := range agentPorts(t, len(databases)) {
		id := string(rune('a' + i))
		words = append(words, fmt.Sprintf("%s=127.0.0.1:%d", id, port))
		agents = append(agents, &clusterAgent{id: id, database: databases[i], dir: filepath.Join(dir, id), users: filepath.Join(dir, "users")})
	}
	settings := strings.Split(foreshadow(t, "", words...), "# agent ")[1:]
	passwords := ""
	for _, u := range [][]string{{"alice", "--account", "data_owner"}, {"bob", "--account", "platform_owner"}, {"analyst"}} {
		foreshadow(t, "secret of "+u[0]+"\n", append([]string{"passwd", "--file", filepath.Join(dir, "users")}, u...)...)
		passwords += "*:*:*:" + u[0] + ":secret of " + u[0] + "\n"
	}
	for i, a := range agents {
		_, lines, _ := strings.Cut(settings[i], "\n")
		a.configure(t, primary.DSN("foreshadow", a.database), lines, passwords)
		a.launch(t)
	}
	for _, a := range agents {
		a.waitReady(t)
	}
	for _, a := range agents { // logins are there once most agents are, and an agent has heard of it
		eventually(t, 30*time.Second, "agent "+a.id+" knows the logins", func() bool {
			for _, login := range []string{"alice", "bob", "analyst"} {
				if _, err := a.psql(t, login, a.database, "-c", "SELECT 1"); err != nil {
					return false
				}
			}
			return true
		})
	}
	return agents
}

// preparePrimary fills a database for each agent and runs in it what deploy/sql has for an agent that is no superuser.
func preparePrimary(t *testing.T, primary *pgtest.Server, databases []string) {
	t.Helper()
	primary.CreateDatabase(t, databases[0])
	for _, file := range []string{"testdata/shop.sql", "../../deploy/sql/role.sql", "../../deploy/sql/publication.sql"} {
		psqlFile(t, primary, databases[0], file)
	}
	primary.Exec(t, databases[0], "CREATE EXTENSION pg_stat_statements")
	for _, database := range databases[1:] {
		primary.Exec(t, "postgres", "CREATE DATABASE "+database+" TEMPLATE "+databases[0])
		primary.Exec(t, "postgres", "GRANT CONNECT, CREATE ON DATABASE "+database+" TO foreshadow")
	}
}

// psqlFile runs a file of SQL on the primary, read by us: the server's account may not reach it.
func psqlFile(t *testing.T, primary *pgtest.Server, database, file string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := primary.Command(ctx, "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-v", "password='secret of the agent'", "-d", database)
	cmd.Stdin = open(t, file)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s on %s: %v\n%s", file, database, err, out)
	}
}
