package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestWorkNeedsTheDatabase(t *testing.T) {
	if err := work(available(), redisAt(t, answeringRedis(t)))(t.Context()); err != nil {
		t.Errorf("got %v", err)
	}
	database, err := openDatabase(environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := work(database, redisAt(t, answeringRedis(t)))(t.Context()); !errors.Is(err, errNoDatabase) {
		t.Errorf("got %v", err)
	}
}

func TestWorkNeedsRedis(t *testing.T) {
	if err := work(available(), redisAt(t, answeringRedis(t)))(t.Context()); err != nil {
		t.Errorf("got %v", err)
	}
	store, err := openRedis(environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := work(available(), store)(t.Context()); !errors.Is(err, errNoRedis) {
		t.Errorf("got %v", err)
	}
}

func TestWorkIsRepeatedWhetherItFailsOrNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 150*time.Second)
		defer cancel()
		var at []time.Duration
		started := time.Now()
		err := repeat(ctx, time.Minute, time.Second, func(context.Context) error {
			at = append(at, time.Since(started))
			return errors.New("broken")
		})
		if err != nil || len(at) != 3 || at[0] != 0 || at[1] != time.Minute || at[2] != 2*time.Minute {
			t.Errorf("got %v, %v", at, err)
		}
	})
}

func TestUnitUnderWayMayFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		finished := false
		err := repeat(ctx, time.Minute, 20*time.Second, func(ctx context.Context) error {
			select {
			case <-time.After(10 * time.Second):
				finished = true
			case <-ctx.Done():
			}
			return nil
		})
		if err != nil || !finished {
			t.Errorf("finished: %v, error: %v", finished, err)
		}
	})
}

func TestWorkEndsWhenTheGraceIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		longer, stop := outlast(ctx, 20*time.Second)
		defer stop()
		started := time.Now()
		<-longer.Done()
		if took := time.Since(started); took != 21*time.Second {
			t.Errorf("took %v", took)
		}
	})
}
