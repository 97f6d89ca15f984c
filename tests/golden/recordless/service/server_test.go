package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// ask returns the status and the body of what handler answers.
func ask(handler http.Handler, method, path string) (int, string) {
	recorded := httptest.NewRecorder()
	handler.ServeHTTP(recorded, httptest.NewRequest(method, path, nil))
	return recorded.Code, recorded.Body.String()
}

func TestRoutes(t *testing.T) {
	handler := newHandler()
	for _, test := range []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", "/healthz", http.StatusOK, `{"status":"ok"}`},
		{"HEAD", "/healthz", http.StatusOK, ""},
		{"POST", "/healthz", http.StatusMethodNotAllowed, ""},
		{"GET", "/no/such/path", http.StatusNotFound, ""},
	} {
		status, body := ask(handler, test.method, test.path)
		if status != test.status || !strings.Contains(body, test.body) {
			t.Errorf("%s %s: got %d %s", test.method, test.path, status, body)
		}
	}
}

func TestHomeSaysWhatThisIs(t *testing.T) {
	_, body := ask(newHandler(), "GET", "/")
	var said map[string]string
	if err := json.Unmarshal([]byte(body), &said); err != nil {
		t.Fatal(err)
	}
	if said["title"] != title || said["description"] != description {
		t.Errorf("got %s", body)
	}
}

func TestMetricsCountRequestsByRoute(t *testing.T) {
	handler := newHandler()
	ask(handler, "GET", "/healthz")
	ask(handler, "GET", "/no/such/path")
	_, body := ask(handler, "GET", "/metrics")
	for _, want := range []string{
		`http_requests_total{method="GET",route="/healthz",status="200"} `,
		`http_requests_total{method="other",route="unmatched",status="404"} `,
		`http_request_duration_seconds_count{method="GET",route="/healthz"} `,
		`build_info{version="dev"} 1`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is missing in %s", want, body)
		}
	}
	if strings.Contains(body, "/no/such/path") {
		t.Errorf("a path became a label: %s", body)
	}
}

func TestRoutesOfAnyMethodAreCountedToo(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/of/any/method/{$}", func(http.ResponseWriter, *http.Request) {})
	ask(observe(mux), "MADEUP", "/of/any/method/")
	recorded := httptest.NewRecorder()
	metrics(recorded, nil)
	want := `http_requests_total{method="other",route="/of/any/method/",status="200"} 1`
	if body := recorded.Body.String(); !strings.Contains(body, want) || strings.Contains(body, "MADEUP") {
		t.Errorf("got %s", body)
	}
}

func TestRequestsAreLoggedUnlessTheyAreProbes(t *testing.T) {
	var out strings.Builder
	usual := slog.Default()
	slog.SetDefault(newLogger(&out, slog.LevelInfo))
	defer slog.SetDefault(usual)
	handler := newHandler()
	ask(handler, "GET", "/healthz")
	ask(handler, "GET", "/no/such/path?token=secret")
	if logged := out.String(); strings.Count(logged, "\n") != 1 || !strings.Contains(logged, `"path":"/no/such/path"`) {
		t.Errorf("got %s", logged)
	}
	if strings.Contains(out.String(), "secret") {
		t.Errorf("a query was logged: %s", out.String())
	}
}

func TestPanicIsAnswered(t *testing.T) {
	handler := observe(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("broken") }))
	if status, _ := ask(handler, "GET", "/"); status != http.StatusInternalServerError {
		t.Errorf("got %d", status)
	}
}

func TestPanicCutsAnAnswerShort(t *testing.T) {
	server := httptest.NewServer(observe(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "half")
		panic("broken")
	})))
	defer server.Close()
	response, err := http.Get(server.URL)
	if err == nil {
		defer response.Body.Close()
		_, err = io.ReadAll(response.Body)
	}
	if err == nil {
		t.Error("half an answer was taken for a whole one")
	}
}

func TestRequestUnderWayIsAnswered(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		cancel()
		for { // until nobody listens any more
			connection, err := net.Dial("tcp", address)
			if err != nil {
				break
			}
			connection.Close()
		}
		fmt.Fprint(w, "whole")
	})
	ended := make(chan error, 1)
	go func() { ended <- serveOn(ctx, listener, handler, 0, time.Minute) }()
	response, err := http.Get("http://" + address)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err != nil || string(body) != "whole" {
		t.Errorf("got %s, %v", body, err)
	}
	if err := <-ended; err != nil {
		t.Errorf("got %v", err)
	}
}

func TestNewRequestsAreAnsweredDuringTheDrain(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ended := make(chan error, 1)
	handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	go func() { ended <- serveOn(ctx, listener, handler, time.Second, time.Minute) }()
	response, err := http.Get("http://" + listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if !response.Close {
		t.Error("the connection is kept, and the next request on it lost")
	}
	if err := <-ended; err != nil {
		t.Errorf("got %v", err)
	}
}

func TestHealthcheck(t *testing.T) {
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	port := server.Listener.Addr().(*net.TCPAddr).Port
	if err := healthcheck(t.Context(), port); err != nil {
		t.Errorf("got %v", err)
	}
	status = http.StatusInternalServerError
	if err := healthcheck(t.Context(), port); err == nil {
		t.Error("passes where the service says that it is not well")
	}
	server.Close()
	if err := healthcheck(t.Context(), port); err == nil {
		t.Error("passes where nothing listens")
	}
}
