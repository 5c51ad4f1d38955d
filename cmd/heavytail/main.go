// Command heavytail trains diffusion models with heavy-tailed noise and
// samples from them, on the CPU, without any other program or library.
package main

import "heavytail/internal/cli"

type (
	command = cli.Command
	env     = cli.Env
)

var program = cli.Program{
	Name:     "heavytail",
	Summary:  "trains and samples diffusion models with heavy-tailed noise.",
	Commands: []command{sampleCommand, trainCommand, infoCommand, convertCommand, mergeCommand, tailCommand, rareCommand, densityCommand, noiseCommand, evalCommand, benchCommand, versionCommand},
	Fields:   fields,
}

func main() { program.Main() }
