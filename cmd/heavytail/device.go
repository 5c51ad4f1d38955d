package main

import (
	"flag"
	"fmt"

	"heavytail/internal/cli"
	"heavytail/internal/device"
	"heavytail/tensor"
)

// openDevice opens one device; tests put the interpreter of the GPU's kernels there.
var openDevice = device.Spec.Open

// A deviceFlag is -device: where networks compute.
type deviceFlag struct {
	spec  device.Spec
	given bool // else the environment says
}

func (d *deviceFlag) define(fs *flag.FlagSet) {
	fs.Var(d, "device", "`where` the network computes: cpu, cuda or cuda:1 (heavytail info lists them), all with the same bytes; cuda,tf32 and cuda,bf16 are faster, with other bytes (empty: "+device.EnvVar+", without that cpu)")
}

// defineAll is define for commands that sample, on several GPUs if need be.
func (d *deviceFlag) defineAll(fs *flag.FlagSet) {
	d.define(fs)
	fs.Lookup("device").Usage += "; cuda:0+1 divides the samples between GPUs"
}

func (d *deviceFlag) String() string {
	if d == nil || !d.given {
		return ""
	}
	return d.spec.String()
}

func (d *deviceFlag) Set(text string) error {
	d.given = true
	return d.spec.Set(text)
}

// choose returns the device that the command line or the environment names, and
// which of them did.
func (d *deviceFlag) choose() (spec device.Spec, from string, err error) {
	if d.given {
		return d.spec, "-device", nil
	}
	spec, err = device.Default()
	if err != nil {
		return spec, "", cli.Usage("%w", err)
	}
	return spec, device.EnvVar, nil
}

// open returns the device, which device.Close gives back.
func (d *deviceFlag) open(threads int) (tensor.Device, error) {
	spec, from, err := d.choose()
	if err != nil {
		return nil, err
	}
	dev, err := openDevice(spec, threads)
	if err != nil {
		return nil, notOpened(from, spec, err)
	}
	return dev, nil
}

// openAll returns one device or several.
func (d *deviceFlag) openAll(threads int) ([]tensor.Device, error) {
	spec, from, err := d.choose()
	if err != nil {
		return nil, err
	}
	all, err := spec.OpenAll(func(one device.Spec) (tensor.Device, error) { return openDevice(one, threads) })
	if err != nil {
		return nil, notOpened(from, spec, err)
	}
	return all, nil
}

// notOpened is the error of a device that did not open. A GPU that this machine lacks
// another may have: a retry elsewhere mends that, but not a program that knows none.
func notOpened(from string, spec device.Spec, err error) error {
	if device.Built {
		return cli.Passing("%s %v: %w", from, spec, err)
	}
	return fmt.Errorf("%s %v: %w", from, spec, err)
}
