package data

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// missingWords are what tables write where there is no value, in lower case.
var missingWords = map[string]bool{"": true, "na": true, "n/a": true, "#n/a": true, "nan": true, "-nan": true, "null": true, "none": true, "?": true, "-": true, ".": true}

// missing reports whether a cell says that there is no value.
func missing(cell string) bool {
	return len(cell) <= 4 && missingWords[strings.ToLower(cell)]
}

// parseNumber returns the value of a cell as parseFloat does, its fraction after
// a point or, if comma, after a comma. The other of the two may part groups of
// three digits, as may spaces and apostrophes.
func parseNumber(cell string, comma bool) (float64, error) {
	if !strings.ContainsAny(cell, ",' \u00a0\u202f") && !comma {
		return parseFloat(cell)
	}
	fraction, group := ".", ","
	if comma {
		fraction, group = ",", "."
	}
	whole, rest, cut := strings.Cut(cell, fraction)
	for _, g := range []string{group, " ", "'", "\u00a0", "\u202f"} {
		if parts := strings.Split(whole, g); len(parts) > 1 {
			if !groups(parts) {
				return 0, errors.New("not groups of three digits")
			}
			whole = strings.Join(parts, "")
		}
	}
	if strings.Contains(rest, group) {
		return 0, errors.New("a group after the fraction")
	}
	if cut {
		whole += "." + rest
	}
	return parseFloat(whole)
}

// groups reports whether digits are parted as thousands are: one to three, then
// three each.
func groups(parts []string) bool {
	for i, p := range parts {
		if i == 0 {
			p = strings.TrimLeft(p, "+-")
		}
		if len(p) > 3 || len(p) < 1 || i > 0 && len(p) != 3 {
			return false
		}
	}
	return true
}

// parseFloat returns the float64 nearest to a decimal number that is finite as a
// float32.
func parseFloat(text string) (float64, error) {
	v, err := strconv.ParseFloat(text, 64)
	if f := float32(v); err == nil && f-f != 0 {
		err = strconv.ErrRange
	}
	return v, err
}

// parseTwice is parseFloat but that float32(v) is the float32 nearest to the number
// as well, as when tables were read as float32. Where the float64 nearest to it
// lies half-way between two of float32, of which rounding again may choose the
// wrong one, it is moved by its last place towards the right one.
func parseTwice(text string) (float64, error) {
	v, err := parseFloat(text)
	if err != nil || math.Float64bits(v)&(1<<29-1) != 1<<28 {
		return v, err
	}
	near, err := strconv.ParseFloat(text, 32)
	if near != float64(float32(v)) {
		v = math.Nextafter(v, near)
	}
	return v, err
}
