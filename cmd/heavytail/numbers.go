package main

import "fmt"

// counted returns a number with what it counts, in the plural unless it is 1.
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
