package main

import (
	"errors"
	"io/fs"
	"regexp"
	"testing"
)

func TestMigrationsHaveAnOrder(t *testing.T) {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	numbered := regexp.MustCompile(`^migrations/(\d{4})_.+\.sql$`)
	for _, file := range files {
		found := numbered.FindStringSubmatch(file)
		if found == nil {
			t.Errorf("%s has no number of four digits to run by", file)
			continue
		}
		if other, taken := seen[found[1]]; taken {
			t.Errorf("%s and %s have one number", other, file)
		}
		seen[found[1]] = file
	}
}

func TestMigrateFailsWithoutADatabase(t *testing.T) {
	t.Setenv("DATABASE_URL", "")
	if err := migrate(t.Context()); !errors.Is(err, errNoDatabase) {
		t.Errorf("got %v", err)
	}
}
