package data

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// missingWords are what tables write where there is no value, in lower case: words
// of pandas, R, databases, and the errors of spreadsheets.
var missingWords = wordSet("", "na", "n/a", "n.a.", "#n/a", "#na", "#n/a n/a", "<na>", "nan", "-nan", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan",
	"null", "(null)", `\n`, "none", "nil", "nat", "missing", "?", "-", "--", ".", "#div/0!", "#value!", "#ref!", "#name?", "#num!", "#null!")

const longestMissing = len("#n/a n/a")

func wordSet(words ...string) map[string]bool {
	set := map[string]bool{}
	for _, w := range words {
		set[w] = true
	}
	return set
}

// missing reports whether a cell says that there is no value.
func missing(cell string) bool {
	return len(cell) <= longestMissing && missingWords[strings.ToLower(cell)]
}

// parseCell returns the value of a cell as parseNumber does, and the unit beside
// it: a currency sign, before or behind, or % or ‰. Numbers in parentheses are
// negative, as in accounts.
func parseCell(cell string, comma bool) (v float64, unit string, err error) {
	if v, err = parseNumber(cell, comma); err == nil {
		return v, "", nil
	}
	text, sign := cell, 0.0
	if in, ok := strings.CutPrefix(text, "("); ok && strings.HasSuffix(in, ")") {
		text, sign = strings.TrimSpace(in[:len(in)-1]), -1
	} else {
		text, sign = cutSign(text)
	}
	first, n := utf8.DecodeRuneInString(text)
	last, m := utf8.DecodeLastRuneInString(text)
	switch {
	case unicode.Is(unicode.Sc, first):
		text, unit = text[n:], text[:n]
	case unicode.Is(unicode.Sc, last), last == '%', last == '‰':
		text, unit = text[:len(text)-m], text[len(text)-m:]
	}
	if text = strings.TrimSpace(text); sign == 0 { // between the unit and the number
		text, sign = cutSign(text)
	}
	if _, again := cutSign(text); again != 0 {
		return 0, "", errors.New("two signs")
	}
	if v, err = parseNumber(text, comma); err != nil {
		return 0, "", err
	}
	if sign < 0 {
		v = -v
	}
	return v, unit, nil
}

// cutSign takes a sign from the front of a number and returns it as −1 or 1, 0 if
// there is none. Some programs write the minus of typesetters.
func cutSign(text string) (rest string, sign float64) {
	for _, s := range []string{"-", "\u2212"} {
		if rest, ok := strings.CutPrefix(text, s); ok {
			return strings.TrimSpace(rest), -1
		}
	}
	if rest, ok := strings.CutPrefix(text, "+"); ok {
		return strings.TrimSpace(rest), 1
	}
	return text, 0
}

// parseNumber returns the value of a cell as finite64 does, its fraction after
// a point or, if comma, after a comma. The other of the two may part groups of
// three digits, as may spaces and apostrophes.
func parseNumber(cell string, comma bool) (float64, error) {
	if !strings.ContainsAny(cell, ",' \u00a0\u202f") && !comma {
		return fortran(cell)
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
	return fortran(whole)
}

// fortran is finite64 but that the exponent may stand behind a D with a sign, 1.5D+03,
// as Fortran writes double precision.
func fortran(text string) (float64, error) {
	v, err := finite64(text)
	if err == nil {
		return v, nil
	}
	i := strings.IndexAny(text, "dD")
	if i < 1 || i+2 >= len(text) || text[i+1] != '+' && text[i+1] != '-' || text[i-1] != '.' && (text[i-1] < '0' || text[i-1] > '9') {
		return v, err
	}
	return finite64(text[:i] + "e" + text[i+1:])
}

// isTruth reports whether a cell says yes or no.
func isTruth(cell string) bool {
	switch strings.ToLower(cell) {
	case "true", "false", "yes", "no", "t", "f", "y", "n":
		return true
	}
	return false
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

// decimals returns a number as people write it, all the digits that tell it from others
// of its type, of 32 or 64 bits, without an exponent unless it is very large or
// small.
func decimals(v float64, bits int) string {
	if a := math.Abs(v); a != 0 && (a < 1e-6 || a >= 1e15) {
		return strconv.FormatFloat(v, 'g', -1, bits)
	}
	return strconv.FormatFloat(v, 'f', -1, bits)
}

// rough is decimals with six digits at most.
func rough(v float64) string {
	short, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 6, 64), 64)
	if err != nil { // beyond float64 by rounding
		short = v
	}
	return decimals(short, 64)
}

// finite64 returns the float64 nearest to a decimal number, an error if that is
// not finite.
func finite64(text string) (float64, error) {
	v, err := strconv.ParseFloat(text, 64)
	if err == nil && v-v != 0 {
		err = strconv.ErrRange
	}
	return v, err
}

// parseFloat is finite64 for numbers that are finite as a float32.
func parseFloat(text string) (float64, error) {
	v, err := finite64(text)
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
