package main

import (
	"io"
	"log/slog"
	"strings"
	"time"
)

// newLogger returns a logger that writes one JSON object a line.
func newLogger(w io.Writer, level slog.Leveler) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: rename}))
}

// rename gives the attributes that every record has the form that the other services' logs have.
func rename(groups []string, attribute slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return attribute
	}
	switch value := attribute.Value.Any().(type) {
	case time.Time:
		if attribute.Key == slog.TimeKey {
			attribute.Value = slog.StringValue(value.UTC().Format("2006-01-02T15:04:05.000Z07:00"))
		}
	case slog.Level:
		if attribute.Key == slog.LevelKey {
			attribute.Value = slog.StringValue(strings.ToLower(value.String()))
		}
	case string:
		if attribute.Key == slog.MessageKey {
			attribute.Key = "message"
		}
	}
	return attribute
}
