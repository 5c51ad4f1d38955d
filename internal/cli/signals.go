//go:build !wasm

package cli

import (
	"os"
	"os/signal"
	"syscall"
)

// notify sends the signals that ask the program to end to got, and those by which
// programs in Go end at once, showing what they were doing, to end; but none that was
// ignored at the start. The rest (SIGUSR1, SIGXCPU, …) end no program in Go.
func notify(got, end chan<- os.Signal) {
	to := func(c chan<- os.Signal, signals ...os.Signal) {
		for _, s := range signals {
			if !signal.Ignored(s) {
				signal.Notify(c, s)
			}
		}
	}
	to(got, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	to(end, syscall.SIGQUIT, syscall.SIGABRT, syscall.SIGTRAP)
}

// signalName is what people know a signal by.
func signalName(s os.Signal) string {
	switch s {
	case os.Interrupt:
		return "Ctrl-C (SIGINT)"
	case syscall.SIGTERM:
		return "SIGTERM"
	case syscall.SIGHUP:
		return "SIGHUP, as its terminal was closed"
	}
	return s.String()
}
