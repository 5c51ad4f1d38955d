//go:build !(linux || darwin || dragonfly || freebsd || netbsd || openbsd || windows)

package cli

import "os"

// isTerminal reports whether f is a terminal; here it cannot know.
func isTerminal(*os.File) bool { return false }
