// Package admin serves health and metrics over HTTP for operators and Kubernetes. The agent starts it;
// it must never answer with data of a source, and its liveness must not depend on the primary or on a Raft leader.
package admin

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Options of New. Ready says whether clients can be served, and if not, why.
type Options struct {
	Addr     string
	Registry *prometheus.Registry
	Ready    func() (bool, string)
	Log      *slog.Logger
}

// Server is the HTTP server, already listening after New.
type Server struct {
	listener net.Listener
	http     *http.Server
	log      *slog.Logger
}

// New listens on the address. Profiles are served only on a loopback address, since they show the inside of the process.
func New(o Options) (*Server, error) {
	listener, err := net.Listen("tcp", o.Addr)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(o.Registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { answer(w, true, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		ready, why := o.Ready()
		answer(w, ready, why)
	})
	if addr, ok := listener.Addr().(*net.TCPAddr); ok && addr.IP.IsLoopback() {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	}
	return &Server{listener: listener, http: &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}, log: o.Log}, nil
}

func answer(w http.ResponseWriter, ok bool, text string) {
	if !ok {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_, _ = w.Write([]byte(text + "\n"))
}

// Addr is where the server listens.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Run serves until the context ends.
func (s *Server) Run(ctx context.Context) error {
	stopped := make(chan struct{})
	defer func() { <-stopped }()
	serving, done := context.WithCancel(ctx)
	defer done()
	go func() {
		defer close(stopped)
		<-serving.Done()
		_ = s.http.Close()
	}()
	s.log.Info("admin listening", "addr", s.listener.Addr().String())
	if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
