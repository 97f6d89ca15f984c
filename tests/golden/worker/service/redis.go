package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
)

var errNoRedis = errors.New("none is configured: REDIS_URL is not set")

// openRedis returns the client of the database that REDIS_URL names; nothing connects before the first use, and a lost
// connection is replaced. Its error never quotes the address, which may hold a password.
func openRedis(getenv func(string) string) (*redis.Client, error) {
	redis.SetLogger(redisLog{})
	text := getenv("REDIS_URL")
	if text == "" {
		nowhere := func(context.Context, string, string) (net.Conn, error) { return nil, errNoRedis }
		return redis.NewClient(&redis.Options{Dialer: nowhere, MaxRetries: -1, DialerRetries: 1}), nil
	}
	options, err := redis.ParseURL(text)
	if err != nil {
		return nil, errors.New("REDIS_URL is not an address such as redis://host:6379/0")
	}
	return redis.NewClient(options), nil
}

// redisReachable returns nil when Redis answers within two seconds.
func redisReachable(ctx context.Context, store *redis.Client) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return store.Ping(ctx).Err()
}

// redisLog takes what the client would write to standard error.
type redisLog struct{}

func (redisLog) Printf(ctx context.Context, format string, values ...any) {
	slog.WarnContext(ctx, fmt.Sprintf(format, values...))
}
