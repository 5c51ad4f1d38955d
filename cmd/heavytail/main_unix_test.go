//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// A signal that is ignored where the tests run (SIGHUP under nohup, SIGINT and SIGQUIT
// in the background of a script) stays ignored in the processes that they start, which
// would rightly go on for ever. What is caught here is as usual there.
func init() {
	if os.Getenv("HEAVYTAIL_TEST_COMMAND") == "1" {
		return
	}
	for _, s := range []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGABRT, syscall.SIGTRAP} {
		if signal.Ignored(s) {
			signal.Notify(make(chan os.Signal, 1), s)
		}
	}
}
