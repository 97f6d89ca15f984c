package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"
)

// newHandler returns what answers the service's routes.
func newHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", home)
	mux.HandleFunc("GET /healthz", health)
	mux.HandleFunc("GET /metrics", metrics)
	return observe(mux)
}

// home says what this is.
func home(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]string{"title": title, "description": description})
}

// health says that the process answers, and nothing about what it depends on.
func health(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]string{"status": "ok"})
}

// answer sends a JSON object.
func answer(w http.ResponseWriter, status int, body map[string]string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		slog.Warn("answer cut short", "error", err)
	}
}

// serve answers requests on a port until ctx ends, and new ones for the drain after that: the cluster sends some until it
// has noticed. Those under way then have the grace to finish.
func serve(ctx context.Context, port int, handler http.Handler, drain, grace time.Duration) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", fmt.Sprintf(":%d", port))
	if err != nil {
		return err
	}
	return serveOn(ctx, listener, handler, drain, grace)
}

// headerLimit is the time that a client has to send a request's headers. Bodies and answers have no limit: a large upload
// or a slow download takes as long as it takes.
const headerLimit = 10 * time.Second

func serveOn(ctx context.Context, listener net.Listener, handler http.Handler, drain, grace time.Duration) error {
	server := &http.Server{
		Handler:           parting(ctx, handler),
		ReadHeaderTimeout: headerLimit,
		IdleTimeout:       2 * time.Minute, // longer than proxies keep theirs, which then never meet a closed connection
		ErrorLog:          slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	slog.Info("listening", "address", listener.Addr().String())
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-ended:
		return err
	case <-time.After(drain):
	}
	waiting, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := server.Shutdown(waiting); err != nil {
		return fmt.Errorf("requests were cut short: %w", err)
	}
	return nil
}

// parting ends each connection with its next answer once ctx has ended: a client that kept one would lose the request
// that it sends while the server closes it.
func parting(ctx context.Context, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ctx.Err() != nil {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// healthcheck asks the service on this machine whether it is well, for images that have no shell.
func healthcheck(ctx context.Context, port int) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/healthz", port), nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("/healthz answered %s", response.Status)
	}
	return nil
}

// quiet are the routes of probes and scrapes: where all went well they are no news.
var quiet = []string{
	"GET /healthz",
	"GET /metrics",
}

// observe logs, counts and times requests, and answers for a handler that panics.
func observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := time.Now()
		sent := &recorder{ResponseWriter: w}
		defer func() {
			fault := recover()
			if fault == http.ErrAbortHandler {
				panic(fault)
			}
			if fault != nil {
				slog.Error("panic", "error", fmt.Sprint(fault), "stack", string(debug.Stack()))
				if sent.status != 0 {
					defer panic(http.ErrAbortHandler) // the client must not take half an answer for a whole one
				} else {
					http.Error(sent, "internal error", http.StatusInternalServerError)
				}
			}
			report(r, cmp.Or(sent.status, http.StatusOK), time.Since(started))
		}()
		next.ServeHTTP(sent, r)
	})
}

// report tells of a request that was answered, under its route: paths are without number.
func report(r *http.Request, status int, took time.Duration) {
	method, route := "other", cmp.Or(r.Pattern, "unmatched")
	if before, after, found := strings.Cut(r.Pattern, " "); found {
		method, route = before, after
	}
	route = strings.TrimSuffix(route, "{$}")
	requests.add(method, route, strconv.Itoa(status))
	requestSeconds.observe(took, method, route)
	level := slog.LevelInfo
	if status < http.StatusBadRequest && slices.Contains(quiet, r.Pattern) {
		level = slog.LevelDebug
	}
	slog.Log(r.Context(), level, "request",
		"method", r.Method, "path", r.URL.Path, "status", status, "duration_ms", took.Milliseconds())
}

// recorder remembers the status of an answer.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= http.StatusOK { // those below announce, and the answer follows
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(body []byte) (int, error) {
	r.status = cmp.Or(r.status, http.StatusOK)
	return r.ResponseWriter.Write(body)
}

// Unwrap lets http.ResponseController reach what lies below.
func (r *recorder) Unwrap() http.ResponseWriter {
	return r.ResponseWriter
}
