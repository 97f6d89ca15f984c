package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"time"
)

func TestRecordIsOneLineOfJSON(t *testing.T) {
	var out bytes.Buffer
	said := "two\nlines and a \"quote\""
	newLogger(&out, slog.LevelInfo).Warn(said, "error", errors.New("broken"), "port", 8080)

	if bytes.Count(out.Bytes(), []byte("\n")) != 1 {
		t.Fatalf("more than one line: %s", out.String())
	}
	var record struct {
		Time    time.Time
		Level   string
		Message string
		Error   string
		Port    int
	}
	if err := json.Unmarshal(out.Bytes(), &record); err != nil {
		t.Fatal(err)
	}
	if record.Level != "warn" || record.Message != said || record.Error != "broken" || record.Port != 8080 {
		t.Errorf("unexpected record: %s", out.String())
	}
	if record.Time.IsZero() {
		t.Errorf("no time: %s", out.String())
	}
}

func TestLevelLeavesOutWhatIsLess(t *testing.T) {
	var out bytes.Buffer
	newLogger(&out, slog.LevelWarn).Info("quiet")
	if out.Len() > 0 {
		t.Errorf("unexpected record: %s", out.String())
	}
}
