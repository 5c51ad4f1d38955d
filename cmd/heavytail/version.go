package main

import (
	"context"
	"flag"
	"fmt"

	"heavytail/bench"
	"heavytail/internal/cli"
)

var versionCommand = command{
	Name: "version", Summary: "prints the version of this program",
	Help: `  heavytail version
`,
	Flags: func(*flag.FlagSet) func(context.Context, env, []string) error {
		return func(_ context.Context, e env, args []string) error {
			if err := cli.NoArguments(args); err != nil {
				return err
			}
			m := bench.ThisMachine()
			revision := ""
			if m.Revision != "" {
				revision = " (commit " + m.Revision + ")"
			}
			_, err := fmt.Fprintf(e.Stdout, "heavytail %s%s, %s, %s\n", m.Version, revision, m.Go, m.Platform)
			return err
		}
	},
}
