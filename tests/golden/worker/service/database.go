package main

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

var errNoDatabase = errors.New("none is configured: DATABASE_URL is not set")

// openDatabase returns the connection pool; nothing connects before the first use. The password is rotated: a restart
// brings the new one.
func openDatabase(getenv func(string) string) (*sql.DB, error) {
	connector, err := databaseConnector(getenv)
	if err != nil {
		return nil, err
	}
	database := sql.OpenDB(connector)
	database.SetMaxOpenConns(10)
	database.SetConnMaxLifetime(3 * time.Minute)
	return database, nil
}

func databaseConnector(getenv func(string) string) (driver.Connector, error) {
	config, err := databaseConfig(getenv)
	if errors.Is(err, errNoDatabase) {
		return nowhere{}, nil
	}
	if err != nil {
		return nil, err
	}
	return mysql.NewConnector(config)
}

// databaseConfig reads the connection string, a URL; its errors never quote it, because it holds the password.
func databaseConfig(getenv func(string) string) (*mysql.Config, error) {
	text := getenv("DATABASE_URL")
	if text == "" {
		return nil, errNoDatabase
	}
	address, err := url.Parse(text)
	if err != nil || address.Hostname() == "" {
		return nil, errors.New("DATABASE_URL is not a connection string such as mysql://user:password@host:3306/name")
	}
	config, err := mysql.ParseDSN("/?" + address.RawQuery)
	if err != nil {
		return nil, errors.New("DATABASE_URL has parameters that the driver doesn't understand")
	}
	config.User = address.User.Username()
	config.Passwd, _ = address.User.Password()
	config.Addr = net.JoinHostPort(address.Hostname(), cmp.Or(address.Port(), "3306"))
	config.DBName = strings.TrimPrefix(address.Path, "/")
	return settled(config), nil
}

// settled returns config with what does not depend on the environment.
func settled(config *mysql.Config) *mysql.Config {
	config.Net = "tcp"
	config.ParseTime = true
	config.Logger = slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn)
	return config
}

// reachable returns nil when the database answers within two seconds.
func reachable(ctx context.Context, database *sql.DB) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return database.PingContext(ctx)
}

// nowhere is where connections go when no database is configured.
type nowhere struct{}

func (nowhere) Connect(context.Context) (driver.Conn, error) { return nil, errNoDatabase }
func (nowhere) Driver() driver.Driver                        { return nil }
