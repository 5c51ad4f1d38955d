// Package parse reads the values of settings from text: flags and settings by name
// say of a wrong one what they want.
package parse

import (
	"errors"
	"strconv"
	"strings"
)

// Int reads a whole number.
func Int(s string) (int, error) { return number(strconv.Atoi(s)) }

// Uint reads a whole number from 0 on.
func Uint(s string) (uint64, error) {
	v, err := strconv.ParseUint(s, 10, 64)
	return number(v, err)
}

// Float reads a finite number.
func Float(s string) (float64, error) {
	v, err := strconv.ParseFloat(s, 64)
	if err == nil && v-v != 0 {
		err = strconv.ErrRange
	}
	return number(v, err)
}

// Extended reads a number that may be infinite.
func Extended(s string) (float64, error) {
	v, err := strconv.ParseFloat(s, 64)
	return number(v, err)
}

// Bool reads true or false.
func Bool(s string) (bool, error) {
	v, err := strconv.ParseBool(s)
	if err != nil {
		err = errors.New("want true or false")
	}
	return v, err
}

// Size reads a height and a width in pixels, N for both or HxW.
func Size(s string) (height, width int, err error) {
	h, w, both := strings.Cut(s, "x")
	if !both {
		w = h
	}
	height, errH := strconv.Atoi(h)
	width, errW := strconv.Atoi(w)
	if errH != nil || errW != nil || height < 1 || width < 1 {
		return 0, 0, errors.New("want pixels such as 32 or 32x64")
	}
	return height, width, nil
}

// Text takes any text.
func Text(s string) (string, error) { return s, nil }

// number gives strconv's errors the form that the others have.
func number[T any](v T, err error) (T, error) {
	if err != nil {
		return v, errors.New("want a number in range")
	}
	return v, nil
}

// List returns a reader of values separated by commas; "none" is the empty list.
func List[T any](one func(string) (T, error)) func(string) ([]T, error) {
	return func(text string) ([]T, error) {
		if text == "none" {
			return nil, nil
		}
		var out []T
		for part := range strings.SplitSeq(text, ",") {
			v, err := one(strings.TrimSpace(part))
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return out, nil
	}
}
