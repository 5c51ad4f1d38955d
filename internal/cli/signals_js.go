package cli

import "os"

// notify does nothing: js has no signals, and to ask for one ends the program.
func notify(_, _ chan<- os.Signal) {}

func signalName(s os.Signal) string { return s.String() }
