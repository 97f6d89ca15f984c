package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"testing"
	"time"
)

// available returns a database that answers, without a server.
func available() *sql.DB { return sql.OpenDB(answering{}) }

type answering struct{}

func (answering) Connect(context.Context) (driver.Conn, error) { return answering{}, nil }
func (answering) Driver() driver.Driver                        { return nil }
func (answering) Prepare(string) (driver.Stmt, error)          { return nil, errors.ErrUnsupported }
func (answering) Begin() (driver.Tx, error)                    { return nil, errors.ErrUnsupported }
func (answering) Close() error                                 { return nil }

func TestNoDatabaseIsConfigured(t *testing.T) {
	database, err := openDatabase(environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := reachable(t.Context(), database); !errors.Is(err, errNoDatabase) {
		t.Errorf("got %v", err)
	}
}

func TestDatabaseIsAway(t *testing.T) {
	database, err := openDatabase(environment(map[string]string{
		"DATABASE_URL": "mysql://someone:secret@127.0.0.1:1/name",
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer database.Close()
	if err := reachable(t.Context(), database); err == nil || errors.Is(err, errNoDatabase) {
		t.Errorf("got %v", err)
	}
}

func TestDatabaseAnswers(t *testing.T) {
	if err := reachable(t.Context(), available()); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestConnectionString(t *testing.T) {
	config, err := databaseConfig(environment(map[string]string{
		"DATABASE_URL": "mysql://someone:s%40cret@db:3333/name?timeout=5s",
	}))
	if err != nil {
		t.Fatal(err)
	}
	if config.Addr != "db:3333" || config.DBName != "name" || config.User != "someone" || config.Timeout != 5*time.Second {
		t.Errorf("got %s, %s, %s, %s", config.Addr, config.DBName, config.User, config.Timeout)
	}
	if config.Passwd != "s@cret" {
		t.Errorf("got the password %s", config.Passwd)
	}
}

func TestNonsenseIsNotQuoted(t *testing.T) {
	_, err := openDatabase(environment(map[string]string{"DATABASE_URL": "mysql://someone:secret@db:word/name"}))
	if err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "DATABASE_URL") {
		t.Errorf("got %v", err)
	}
}
