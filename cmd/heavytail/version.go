package main

import (
	"context"
	"flag"
	"fmt"
)

var versionCommand = command{
	name: "version", summary: "prints the version of this program",
	help: `  heavytail version
`,
	flags: func(*flag.FlagSet) func(context.Context, env, []string) error {
		return func(_ context.Context, e env, args []string) error {
			if err := noArguments(args); err != nil {
				return err
			}
			m := machineInfo()
			revision := ""
			if m.Revision != "" {
				revision = " (commit " + m.Revision + ")"
			}
			_, err := fmt.Fprintf(e.stdout, "heavytail %s%s, %s, %s\n", m.Version, revision, m.Go, m.Platform)
			return err
		}
	},
}
