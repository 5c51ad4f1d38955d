package main

import (
	"flag"
	"path/filepath"
	"strings"

	"heavytail"
	"heavytail/internal/cli"
	"heavytail/internal/parse"
)

// settingFlags defines the settings that one value says, and the names that switches had
// until 0.1.0.
func (r *sampleRequest) settingFlags(fs *flag.FlagSet) {
	o := &r.options
	o.Guidance = 1
	for _, s := range heavytail.TextSettings() {
		switch p := s.Of(o).(type) {
		case *int:
			fs.IntVar(p, s.Name, *p, s.Help)
		case *float64:
			fs.Float64Var(p, s.Name, *p, s.Help)
		case *string:
			fs.StringVar(p, s.Name, *p, s.Help)
		case *bool:
			fs.BoolVar(p, s.Name, *p, s.Help)
		default:
			fs.Func(s.Name, s.Help, func(text string) error { return s.Set(o, text) })
		}
	}
	oldSwitch(fs, &o.Clip, "no-clip", "clip")
	oldSwitch(fs, &o.ConsistentStart, "independent-start", "consistent-start")
}

// oldSwitch defines the old flag that turns a switch off.
func oldSwitch(fs *flag.FlagSet, s *heavytail.Switch, old, name string) {
	fs.BoolFunc(old, "the old name of -"+name+"=false (off)", func(text string) error {
		off, err := parse.Bool(text)
		if *s = heavytail.Auto; off {
			*s = heavytail.Off
		}
		return err
	})
}

// checkNumbers refuses what the flag package reads as numbers: NaN and Inf.
func (r *sampleRequest) checkNumbers() error {
	for _, s := range heavytail.TextSettings() {
		if p, ok := s.Of(&r.options).(*float64); ok && *p-*p != 0 && s.Name != "guidance" {
			return cli.Usage("-%s %v: want a number in range", s.Name, *p)
		}
	}
	return nil
}

// idle returns an error that names a flag that would change nothing about these
// samples in this kind of output.
func (r *sampleRequest) idle() error {
	ext := strings.ToLower(filepath.Ext(r.out))
	switch {
	case r.given["frames"] && ext != ".gif" && r.parts.text == "":
		return cli.Usage("-frames %d: -o %s is no film; leave it out, or write a .gif", r.frames, r.out)
	case r.columns != 0 && (!r.images() || ext != ".png" && ext != ".gif"):
		return cli.Usage("-cols %d: -o %s holds no grid of images; leave it out", r.columns, r.out)
	}
	return nil
}
