package cli

import "os"

// notify does nothing: neither js nor wasip1 has signals, and to ask for one ends the
// program.
func notify(_, _ chan<- os.Signal) {}

func signalName(s os.Signal) string { return s.String() }
