package main

import (
	"log/slog"
	"strings"
	"testing"
	"time"
)

// environment stands in for os.Getenv.
func environment(variables map[string]string) func(string) string {
	return func(name string) string { return variables[name] }
}

func TestSettingsByDefault(t *testing.T) {
	found, err := settingsFrom(environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	var want settings
	want.logLevel = slog.LevelInfo
	want.port = 8080
	want.drain = 5 * time.Second
	want.grace = 20 * time.Second
	if found != want {
		t.Errorf("got %+v, want %+v", found, want)
	}
}

func TestEnvironmentWins(t *testing.T) {
	found, err := settingsFrom(environment(map[string]string{
		"LOG_LEVEL":        "debug",
		"PORT":             "9",
		"DRAIN_SECONDS":    "9",
		"SHUTDOWN_SECONDS": "9",
	}))
	if err != nil {
		t.Fatal(err)
	}
	var want settings
	want.logLevel = slog.LevelDebug
	want.port = 9
	want.drain = 9 * time.Second
	want.grace = 9 * time.Second
	if found != want {
		t.Errorf("got %+v, want %+v", found, want)
	}
}

func TestNonsenseIsRefused(t *testing.T) {
	for _, name := range []string{"LOG_LEVEL", "PORT", "DRAIN_SECONDS", "SHUTDOWN_SECONDS"} {
		for _, text := range []string{"loud", "-1", "99999999"} {
			_, err := settingsFrom(environment(map[string]string{name: text}))
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s=%s: got %v", name, text, err)
			}
		}
	}
}
