//go:build !js

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// notify sends the signals that ask the program to end to got, but not those
// that were ignored at the start.
func notify(got chan<- os.Signal) {
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) {
			signal.Notify(got, s)
		}
	}
}
