package main

import (
	"strings"
	"testing"
	"time"
)

func TestCounterAsText(t *testing.T) {
	counted := newCounter("things_total", "Things.", "kind", "size")
	counted.add("b", "large")
	counted.add("a", "a \"quote\", a \\ and\na line")
	counted.add("b", "large")
	var text strings.Builder
	counted.write(&text)
	want := `# HELP things_total Things.
# TYPE things_total counter
things_total{kind="a",size="a \"quote\", a \\ and\na line"} 1
things_total{kind="b",size="large"} 2
`
	if text.String() != want {
		t.Errorf("got %s", text.String())
	}
}

func TestHistogramAsText(t *testing.T) {
	for _, labelled := range []bool{false, true} {
		timed, values := newHistogram("wait_seconds", "Wait."), []string(nil)
		if labelled {
			timed, values = newHistogram("wait_seconds", "Wait.", "kind"), []string{"long"}
		}
		timed.observe(250*time.Millisecond, values...)
		timed.observe(time.Minute, values...)
		var text strings.Builder
		timed.write(&text)
		lines := []string{
			"# TYPE wait_seconds histogram",
			`wait_seconds_bucket{le="0.1"} 0`,
			`wait_seconds_bucket{le="0.25"} 1`,
			`wait_seconds_bucket{le="10"} 1`,
			`wait_seconds_bucket{le="+Inf"} 2`,
			`wait_seconds_sum 60.25`,
			`wait_seconds_count 2`,
		}
		for _, line := range lines {
			if labelled {
				line = strings.Replace(line, "{", `{kind="long",`, 1)
				line = strings.Replace(line, "_sum ", `_sum{kind="long"} `, 1)
				line = strings.Replace(line, "_count ", `_count{kind="long"} `, 1)
			}
			if !strings.Contains(text.String(), line+"\n") {
				t.Errorf("%s is missing in %s", line, text.String())
			}
		}
	}
}

func TestMissingLabelIsAFault(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a counter took too few values")
		}
	}()
	newCounter("things_total", "Things.", "kind").add()
}
