//go:build !js

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
