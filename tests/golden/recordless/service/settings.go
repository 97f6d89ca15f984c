package main

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"
)

// settings is what the environment may change.
type settings struct {
	// logLevel is the least that is logged: debug, info, warn or error (LOG_LEVEL).
	logLevel slog.Level
	// port is the one to listen on, 0 for any that is free (PORT).
	port int
	// drain is the time after the signal to end in which new requests are still answered (DRAIN_SECONDS).
	drain time.Duration
	// grace is the time that what is under way has to finish (SHUTDOWN_SECONDS).
	grace time.Duration
}

// settingsFrom reads the environment; its error tells of every variable that makes no sense.
func settingsFrom(getenv func(string) string) (settings, error) {
	var found settings
	var faults []error
	number := func(name string, fallback, least, most int) int {
		text := getenv(name)
		if text == "" {
			return fallback
		}
		value, err := strconv.Atoi(text)
		if err != nil || value < least || value > most {
			faults = append(faults, fmt.Errorf("%s is not a number from %d to %d: %q", name, least, most, text))
		}
		return value
	}
	if text := getenv("LOG_LEVEL"); text != "" {
		if err := found.logLevel.UnmarshalText([]byte(text)); err != nil {
			faults = append(faults, fmt.Errorf("LOG_LEVEL is not a log level: %q", text))
		}
	}
	found.port = number("PORT", 8080, 0, 65535)
	found.drain = time.Duration(number("DRAIN_SECONDS", 5, 0, 3600)) * time.Second
	// With the time above less than the 30 seconds that Kubernetes gives a pod to end.
	found.grace = time.Duration(number("SHUTDOWN_SECONDS", 20, 0, 3600)) * time.Second
	return found, errors.Join(faults...)
}
