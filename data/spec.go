package data

import (
	"os"
	"path/filepath"
	"strings"
)

// SpecOf returns the specification that Open takes for a name alone: by its ending, or by
// what is in a folder. What is a specification already, and a name that tells nothing,
// comes back as it is.
func SpecOf(name string) string {
	if _, err := os.Stat(name); err != nil && strings.Contains(name, ":") {
		return name
	}
	switch strings.ToLower(filepath.Ext(strings.TrimSuffix(name, ".gz"))) {
	case ".csv", ".tsv", ".txt", ".dat", ".xlsx", ".xls", ".ods": // of spreadsheets, to be told that they are no text
		return "csv:" + name
	case ".npy", ".npz":
		return "npy:" + name
	case ".zip":
		return "images:" + name
	}
	if m, _ := filepath.Glob(filepath.Join(name, "*idx3-ubyte*")); len(m) > 0 || strings.Contains(filepath.Base(name), "idx3-ubyte") {
		return "idx:" + name
	}
	if st, err := os.Stat(name); err == nil && st.IsDir() {
		return "images:" + name
	}
	return name
}

// KindOf returns what a specification begins with: csv, npy, images, idx or toy.
func KindOf(spec string) string {
	kind, _, _ := strings.Cut(spec, ":")
	return kind
}
