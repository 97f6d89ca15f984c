// Command shortener: its README says what it is for.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

const (
	title       = "Shortener"
	description = "Makes short links"
)

// version is what the image was built from; its build says it.
var version = "dev"

func main() {
	settings, err := settingsFrom(os.Getenv)
	slog.SetDefault(newLogger(os.Stdout, settings.logLevel))
	if err == nil {
		err = run(os.Args[1:], settings)
	}
	if err != nil {
		slog.Error("failed", "error", err)
		os.Exit(1)
	}
}

// run does what the arguments ask for, until it is done or the process is to end.
func run(arguments []string, settings settings) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	switch {
	case len(arguments) == 0:
		return start(ctx, settings)
	case len(arguments) == 1 && arguments[0] == "healthcheck":
		return healthcheck(ctx, settings.port)
	default:
		return fmt.Errorf("unknown arguments: %q", arguments)
	}
}

// start runs the service until ctx ends.
func start(ctx context.Context, settings settings) error {
	slog.Info("started", "title", title, "description", description, "version", version)
	defer slog.Info("stopped")
	return serve(ctx, settings.port, newHandler(), settings.drain, settings.grace)
}
