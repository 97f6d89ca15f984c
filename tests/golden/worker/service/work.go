package main

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"
)

// work returns one unit of work: put yours in here. It should return soon after ctx ends.
func work(database *sql.DB, store *redis.Client) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := reachable(ctx, database); err != nil {
			return fmt.Errorf("database: %w", err)
		}
		if err := redisReachable(ctx, store); err != nil {
			return fmt.Errorf("redis: %w", err)
		}
		slog.InfoContext(ctx, "nothing to do yet")
		return nil
	}
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
