package main

import (
	"context"
	"log/slog"
	"time"
)

// work is one unit of work: put yours in here. It should return soon after ctx ends.
func work(ctx context.Context) error {
	slog.InfoContext(ctx, "nothing to do yet")
	return nil
}

// repeat does the work at once and after each interval, until ctx ends. A unit under way then may finish.
func repeat(ctx context.Context, interval, grace time.Duration, work func(context.Context) error) error {
	working, cancel := outlast(ctx, grace)
	defer cancel()
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for ctx.Err() == nil {
		attempt(working, work)
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
	return nil
}

// attempt does one unit. A failure is logged; the next unit tries again.
func attempt(ctx context.Context, work func(context.Context) error) {
	started := time.Now()
	err := work(ctx)
	took := time.Since(started)
	if err != nil {
		slog.ErrorContext(ctx, "work failed", "error", err, "duration_ms", took.Milliseconds())
		return
	}
	slog.InfoContext(ctx, "work done", "duration_ms", took.Milliseconds())
}

// outlast returns a context that ends a while after ctx does: time to finish what is under way.
func outlast(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return longer, func() {
		stop()
		cancel()
	}
}
