package main

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// The metrics of this service. A label's values must be few: routes, never paths.
var (
	build          = newCounter("build_info", "What runs.", "version")
	requests       = newCounter("http_requests_total", "Requests answered.", "method", "route", "status")
	requestSeconds = newHistogram("http_request_duration_seconds", "Time to answer.", "method", "route")
)

func init() {
	build.kind = "gauge"
	build.add(version)
}

// metrics answers in Prometheus' text format.
func metrics(w http.ResponseWriter, _ *http.Request) {
	var text strings.Builder
	build.write(&text)
	requests.write(&text)
	requestSeconds.write(&text)
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	if _, err := io.WriteString(w, text.String()); err != nil {
		slog.Warn("answer cut short", "error", err)
	}
}

// family is what counters and histograms have in common.
type family struct {
	name, kind, help string
	labels           []string
	mutex            sync.Mutex
}

// escape makes a label's value what Prometheus' text format wants between quotes.
var escape = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// key returns the labels with their values, as they stand between braces.
func (f *family) key(values []string) string {
	if len(values) != len(f.labels) {
		panic(fmt.Sprintf("%s has the labels %q, and not as many values: %q", f.name, f.labels, values))
	}
	var pairs []string
	for index, label := range f.labels {
		pairs = append(pairs, label+`="`+escape.Replace(values[index])+`"`)
	}
	return strings.Join(pairs, ",")
}

func (f *family) writeHead(w io.Writer) {
	fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n", f.name, f.help, f.name, f.kind)
}

// writeSample writes one line; labels and more labels may both be empty.
func (f *family) writeSample(w io.Writer, suffix, labels, more string, value any) {
	if labels != "" && more != "" {
		labels += ","
	}
	if labels += more; labels != "" {
		labels = "{" + labels + "}"
	}
	fmt.Fprintf(w, "%s%s%s %v\n", f.name, suffix, labels, value)
}

// counter counts, apart for each combination of its labels' values.
type counter struct {
	family
	counts map[string]uint64
}

func newCounter(name, help string, labels ...string) *counter {
	return &counter{family{name: name, kind: "counter", help: help, labels: labels}, map[string]uint64{}}
}

// add counts one more.
func (c *counter) add(values ...string) {
	key := c.key(values)
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.counts[key]++
}

func (c *counter) write(w io.Writer) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.writeHead(w)
	for _, key := range slices.Sorted(maps.Keys(c.counts)) {
		c.writeSample(w, "", key, "", c.counts[key])
	}
}

// bounds are the upper ends of a histogram's buckets, in seconds; the last bucket has none.
var bounds = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}

// histogram sorts durations into buckets, apart for each combination of its labels' values.
type histogram struct {
	family
	spreads map[string]*spread
}

type spread struct {
	buckets []uint64 // one for each bound, each with those of the smaller bounds
	count   uint64
	seconds float64
}

func newHistogram(name, help string, labels ...string) *histogram {
	return &histogram{family{name: name, kind: "histogram", help: help, labels: labels}, map[string]*spread{}}
}

// observe takes one duration in.
func (h *histogram) observe(duration time.Duration, values ...string) {
	key := h.key(values)
	h.mutex.Lock()
	defer h.mutex.Unlock()
	found, known := h.spreads[key]
	if !known {
		found = &spread{buckets: make([]uint64, len(bounds))}
		h.spreads[key] = found
	}
	for index, bound := range bounds {
		if duration.Seconds() <= bound {
			found.buckets[index]++
		}
	}
	found.count++
	found.seconds += duration.Seconds()
}

func (h *histogram) write(w io.Writer) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.writeHead(w)
	for _, key := range slices.Sorted(maps.Keys(h.spreads)) {
		found := h.spreads[key]
		for index, bound := range bounds {
			h.writeSample(w, "_bucket", key, fmt.Sprintf(`le="%v"`, bound), found.buckets[index])
		}
		h.writeSample(w, "_bucket", key, `le="+Inf"`, found.count)
		h.writeSample(w, "_sum", key, "", found.seconds)
		h.writeSample(w, "_count", key, "", found.count)
	}
}
