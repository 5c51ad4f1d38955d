// Command heavytail-lab measures the methods beside each other, and makes what the
// measures need: it is for who works on heavytail, not for who uses it.
package main

import "heavytail/internal/cli"

var program = cli.Program{
	Name:     "heavytail-lab",
	Summary:  "runs the experiments that compare the methods of heavytail.",
	Commands: []cli.Command{runCommand, classifierCommand},
}

func main() { program.Main() }
