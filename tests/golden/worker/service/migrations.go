package main

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate runs the files in migrations that have not run yet, by their names, and notes each in schema_migrations. One
// process at a time does so, and what it holds ends with its connection.
func migrate(ctx context.Context) error {
	database, err := openDatabase(os.Getenv)
	if err != nil {
		return err
	}
	defer database.Close()
	connection, err := database.Conn(ctx)
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	defer connection.Close()
	var alone sql.NullBool
	const lock = "SELECT GET_LOCK(CONCAT(DATABASE(), '.migrations'), 60)" // its name is the whole server's
	if err := connection.QueryRowContext(ctx, lock).Scan(&alone); err != nil {
		return err
	}
	if !alone.Bool {
		return errors.New("another process migrates")
	}
	const table = "CREATE TABLE IF NOT EXISTS schema_migrations (name varchar(255) PRIMARY KEY)"
	if _, err := connection.ExecContext(ctx, table); err != nil {
		return err
	}
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := migrateOne(ctx, connection, file); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

// migrateOne runs one file unless it has run.
func migrateOne(ctx context.Context, connection *sql.Conn, file string) error {
	name := path.Base(file)
	var times int
	const known = "SELECT count(*) FROM schema_migrations WHERE name = ?"
	if err := connection.QueryRowContext(ctx, known, name).Scan(&times); err != nil || times > 0 {
		return err
	}
	text, err := migrations.ReadFile(file)
	if err != nil {
		return err
	}
	transaction, err := connection.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer transaction.Rollback()
	if _, err := transaction.ExecContext(ctx, string(text)); err != nil {
		return err
	}
	const note = "INSERT INTO schema_migrations (name) VALUES (?)"
	if _, err := transaction.ExecContext(ctx, note, name); err != nil {
		return err
	}
	slog.InfoContext(ctx, "migrated", "file", name)
	return transaction.Commit()
}
