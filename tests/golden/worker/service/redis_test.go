package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// answeringRedis returns the address of a server that knows as much of Redis as a client needs to connect and to ping.
func answeringRedis(t *testing.T) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go answerRedis(connection)
		}
	}()
	return listener.Addr().String()
}

func answerRedis(connection net.Conn) {
	defer connection.Close()
	reader := bufio.NewReader(connection)
	for {
		var count, length int
		if _, err := fmt.Fscanf(reader, "*%d\r\n", &count); err != nil {
			return
		}
		var words []string
		for range count {
			if _, err := fmt.Fscanf(reader, "$%d\r\n", &length); err != nil {
				return
			}
			word := make([]byte, length+len("\r\n"))
			if _, err := io.ReadFull(reader, word); err != nil {
				return
			}
			words = append(words, strings.ToLower(string(word[:length])))
		}
		switch words[0] {
		case "ping":
			fmt.Fprint(connection, "+PONG\r\n")
		case "hello":
			fmt.Fprint(connection, "%1\r\n$5\r\nproto\r\n:3\r\n")
		case "select":
			fmt.Fprint(connection, "+OK\r\n")
		default:
			fmt.Fprint(connection, "-ERR unknown command\r\n")
		}
	}
}

// redisAt returns a client of the database 3 at an address.
func redisAt(t *testing.T, address string) *redis.Client {
	store, err := openRedis(environment(map[string]string{"REDIS_URL": "redis://" + address + "/3"}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func TestRedisAnswers(t *testing.T) {
	store := redisAt(t, answeringRedis(t))
	if err := redisReachable(t.Context(), store); err != nil {
		t.Errorf("got %v", err)
	}
	if got := store.Options().DB; got != 3 {
		t.Errorf("got the database %d", got)
	}
}

func TestRedisIsAway(t *testing.T) {
	if err := redisReachable(t.Context(), redisAt(t, "127.0.0.1:1")); err == nil || errors.Is(err, errNoRedis) {
		t.Errorf("got %v", err)
	}
}

func TestNoRedisIsConfigured(t *testing.T) {
	store, err := openRedis(environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := redisReachable(t.Context(), store); !errors.Is(err, errNoRedis) {
		t.Errorf("got %v", err)
	}
}

func TestNonsenseForRedisIsNotQuoted(t *testing.T) {
	_, err := openRedis(environment(map[string]string{"REDIS_URL": "http://:secret@db:word/name"}))
	if err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "REDIS_URL") {
		t.Errorf("got %v", err)
	}
}
